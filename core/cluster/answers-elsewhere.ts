import type { Clock } from '../component.ts';
import type { OutcomeElsewhere, OutcomeQuestion, SharedStore } from '../store/shared-store.ts';

/** Who waits for a message that another hub processes. */
export interface WaitingElsewhere {
  readonly channel: string;
  readonly seq: number;
  readonly question: OutcomeQuestion;
  /** Queued parts are not waited for: the answer is due once the message was transformed. */
  readonly routedIsEnough: boolean;
  /** On the monotonic clock; `undefined` waits for ever. */
  readonly until: number | undefined;
  /** Called once; without an outcome where the time is over. */
  done(outcome: OutcomeElsewhere | undefined): void;
}

const everyMs = 50;
/** Seqs of one question; the others have their turn in the next. */
const mostAtOnce = 1_000;

/** The answers of messages that were stored here and are processed by another hub: one question for all that wait, every 50 ms. */
export class AnswersElsewhere {
  readonly #store: SharedStore;
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Set<WaitingElsewhere>>();
  readonly #sizes = new Map<string, number>();
  #cancel: (() => void) | undefined;
  #asking = false;

  constructor(store: SharedStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  wait(waiting: WaitingElsewhere): void {
    const { channel, question, routedIsEnough } = waiting;
    const group = JSON.stringify([channel, question, routedIsEnough]);
    const all = this.#waiting.get(group) ?? new Set();
    this.#waiting.set(group, all.add(waiting));
    this.#sizes.set(channel, this.waitingFor(channel) + 1);
    this.#look();
  }

  /** How many wait for messages of a channel. */
  waitingFor(channel: string): number {
    return this.#sizes.get(channel) ?? 0;
  }

  /** Nobody waits for messages of this channel any more: all are called without an outcome. */
  abandon(channel: string): void {
    for (const all of this.#waiting.values())
      for (const each of all) if (each.channel === channel) this.#end(all, each, undefined);
  }

  stop(): void {
    this.#cancel?.();
    for (const channel of [...this.#sizes.keys()]) this.abandon(channel);
  }

  #look(): void {
    if (this.#asking || this.#cancel) return;
    this.#cancel = this.#clock.timer(everyMs, () => {
      this.#cancel = undefined;
      this.#asking = true;
      void this.#ask().then(() => {
        this.#asking = false;
        if (this.#waiting.size > 0) this.#look();
      });
    });
  }

  async #ask(): Promise<void> {
    for (const [group, all] of [...this.#waiting]) {
      // In the order in which they came, those that were asked about last go to the end.
      const asked = [...all].slice(0, mostAtOnce);
      if (all.size > mostAtOnce)
        for (const each of asked) {
          all.delete(each);
          all.add(each);
        }
      const [first] = asked;
      const found = first ? await this.#outcomes(first, asked) : undefined;
      const now = this.#clock.monotonic();
      for (const each of asked) {
        const outcome = found?.get(each.seq);
        if (outcome && (outcome.status !== 'queued' || each.routedIsEnough)) this.#end(all, each, outcome);
      }
      for (const each of all) if (each.until !== undefined && each.until <= now) this.#end(all, each, undefined);
      if (all.size === 0) this.#waiting.delete(group);
    }
  }

  async #outcomes({ channel, question }: WaitingElsewhere, asked: readonly WaitingElsewhere[]) {
    try {
      return await this.#store.outcomes(
        channel,
        asked.map(({ seq }) => seq),
        question,
      );
    } catch {
      // The store is away: whoever waits has its time all the same.
      return undefined;
    }
  }

  #end(all: Set<WaitingElsewhere>, waiting: WaitingElsewhere, outcome: OutcomeElsewhere | undefined): void {
    if (!all.delete(waiting)) return;
    this.#sizes.set(waiting.channel, this.waitingFor(waiting.channel) - 1);
    waiting.done(outcome);
  }
}
