import type { AckPoint, Outcome, Receipt } from '../../core/outcome.ts';
import type { Delivery } from '../../core/source.ts';
import { asBuffer } from '../../protocols/hl7v2/bytes.ts';
import { END, START } from '../../protocols/mllp/framing.ts';
import type { Acknowledger, Verdict } from './acknowledger.ts';
import type { Exchange, ReplyOrder } from './exchange.ts';
import { type Turn, Turns } from './turns.ts';

/** While the store takes nothing, a sender is let go only after this time: it would be back at once (rule 11). */
const REFUSAL_DELAY_MS = 5_000;

/** The connection that the replies go out on. */
export interface RepliesOwner {
  replyDue(): void;
  /** A reply can't be given: after those before it the connection ends, so many milliseconds later. */
  replyRefused(closeDelayMs: number): void;
}

/** The replies of one connection: turns receipts into acknowledgements and keeps them in order. */
export class Replies implements ReplyOrder {
  readonly commits = new Turns();
  readonly answers = new Turns();
  readonly #acknowledger: Acknowledger;
  readonly #ackAfter: AckPoint;
  readonly #owner: RepliesOwner;

  constructor(acknowledger: Acknowledger, ackAfter: AckPoint, owner: RepliesOwner) {
    this.#acknowledger = acknowledger;
    this.#ackAfter = ackAfter;
    this.#owner = owner;
  }

  /** How many messages wait for a reply. */
  get owed(): number {
    return Math.max(this.commits.open, this.answers.open);
  }

  /** Moves what is due into `replies`; false when the connection is to end after them. */
  takeDue(replies: string[]): boolean {
    this.commits.takeDue(replies);
    return this.answers.takeDue(replies);
  }

  /** Answers each exchange when its receipt comes. */
  await(exchanges: readonly Exchange[], delivery: Delivery): void {
    if (exchanges.some((exchange) => exchange.commit)) {
      delivery.on('stored', (index, receipt) => this.#commit(exchanges[index], receipt));
    }
    if (exchanges.some((exchange) => exchange.answer)) {
      delivery.on(this.#ackAfter, (index, receipt) => this.#answer(exchanges[index], receipt));
    }
  }

  /** Answers all exchanges alike: the intake took none of them. */
  settle(exchanges: readonly Exchange[], receipt: Receipt): void {
    for (const exchange of exchanges) {
      this.#commit(exchange, receipt);
      this.#answer(exchange, receipt);
    }
  }

  /** The connection ends when the turn of this exchange has come. */
  refuse(exchange: Exchange, closeDelayMs = 0): void {
    const turn = exchange.answer ?? this.answers.add();
    turn.state = 'close';
    this.#owner.replyRefused(closeDelayMs);
  }

  #commit(exchange: Exchange | undefined, receipt: Receipt): void {
    if (!exchange?.commit || !exchange.mode) return;
    const verdict = this.#verdict(exchange, receipt.outcome);
    if (verdict === 'close') {
      this.refuse(exchange, closeDelay(receipt.outcome));
      return;
    }
    const reply = this.#acknowledger.commit(exchange.header, exchange.mode, verdict, receipt);
    this.#give(exchange.commit, reply);
    // A commit accept that refuses the message is the last word on it.
    if (reply !== undefined && verdict !== 'AA' && exchange.answer) this.#give(exchange.answer, undefined);
  }

  #answer(exchange: Exchange | undefined, receipt: Receipt): void {
    if (exchange?.answer?.state !== 'open' || !exchange.mode) return;
    const { answer, header, mode } = exchange;
    const verdict = this.#verdict(exchange, receipt.outcome);
    if (verdict === 'close') this.refuse(exchange, closeDelay(receipt.outcome));
    else if (receipt.reply && isFrameable(receipt.reply))
      this.#give(answer, asBuffer(receipt.reply).toString('latin1'));
    else this.#give(answer, this.#acknowledger.answer(header, mode, verdict, receipt, exchange.arrival.raw));
  }

  /** A fault never gets a positive answer, however well it was kept. */
  #verdict(exchange: Exchange, outcome: Outcome): Verdict {
    const verdict = this.#acknowledger.verdict(outcome);
    return exchange.arrival.fault && verdict !== 'close' ? 'AR' : verdict;
  }

  #give(turn: Turn, reply: string | undefined): void {
    if (turn.state !== 'open') return;
    turn.state = 'answered';
    turn.reply = reply;
    this.#owner.replyDue();
  }
}

function closeDelay(outcome: Outcome): number {
  return outcome.status === 'error' && outcome.error.code !== 'draining' ? REFUSAL_DELAY_MS : 0;
}

function isFrameable(reply: Uint8Array): boolean {
  return !reply.includes(START) && !reply.includes(END);
}
