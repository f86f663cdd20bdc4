import type { Clock } from '../component.ts';
import type { ErrorRecord } from '../errors.ts';
import type { Outcome } from '../outcome.ts';
import { BatchDelivery } from './delivery.ts';
import type { Slot } from './slot.ts';

/** Who waits for the end of a message whose parts are queued. */
interface Waiting {
  readonly slot: Slot;
  readonly also: { readonly delivery: BatchDelivery; readonly index: number }[];
}

/** Somebody whose message ends elsewhere. */
export interface HandedOver {
  readonly slot: Slot;
  readonly delivery: BatchDelivery;
  readonly index: number;
  /** It was another arrival of the same message. */
  readonly again: boolean;
}

export interface LateAnswersHost {
  readonly clock: Clock;
  /** A message was not answered within its time. */
  tooLate(slot: Slot): void;
  /** A receipt's handler has thrown. */
  onError(thrown: unknown): void;
}

/** The answers of channels that do not answer on `stored`: who waits, and until when. */
export class LateAnswers {
  readonly #host: LateAnswersHost;
  readonly #waiting = new Map<number, Waiting>();
  #deadlines: Slot[] = [];
  #cancelWatch: (() => void) | undefined;

  constructor(host: LateAnswersHost) {
    this.#host = host;
  }

  /** `tooLate` is called where the message has no answer in so many milliseconds. */
  within(slot: Slot, ms: number): void {
    slot.answerBy = this.#host.clock.monotonic() + ms;
    this.#deadlines.push(slot);
    if (!this.#cancelWatch) this.#watch();
  }

  /** The answer comes with the end of the parts that are queued. */
  wait(slot: Slot): void {
    this.#waiting.set(slot.seq, { slot, also: [] });
  }

  waitingFor(seq: number): Slot | undefined {
    return this.#waiting.get(seq)?.slot;
  }

  answer(slot: Slot, outcome: Outcome): void {
    if (slot.answered && !slot.delivery) return;
    slot.answered = true;
    slot.delivery?.reach('settled', slot.index, slot.receipt(outcome));
  }

  /** A queued part of a message ended. */
  partEnded(seq: number, error: ErrorRecord | undefined, reply: Uint8Array | undefined): void {
    const waiting = this.#waiting.get(seq);
    if (!waiting) return;
    const { slot } = waiting;
    if (error) slot.error ??= error;
    if (reply && slot.compiled?.definition.options.replyFrom) slot.reply = reply;
    slot.queued -= 1;
    if (slot.queued > 0) return;
    this.#waiting.delete(seq);
    const outcome: Outcome = slot.error ? { status: 'error', error: slot.error } : { status: 'sent' };
    this.answer(slot, outcome);
    for (const { delivery, index } of waiting.also)
      delivery.reach('settled', index, { ...slot.receipt(outcome), duplicateOf: slot.id });
  }

  /** Another arrival of the same message waits for the same end (rule 14). */
  join(slot: Slot, delivery: BatchDelivery, index: number): void {
    const waiting = this.#waiting.get(slot.seq);
    if (waiting) {
      waiting.also.push({ delivery, index });
      return;
    }
    slot.delivery ??= new BatchDelivery(1, this.#host.onError);
    slot.delivery.on('settled', (at, receipt) => {
      if (at === slot.index) delivery.reach('settled', index, { ...receipt, duplicateOf: slot.id });
    });
  }

  /** At the end of a drain: everybody who still waits learns that no answer will come. */
  abandon(inMemory: Iterable<Slot>): void {
    for (const slot of inMemory) if (!slot.answered) this.answer(slot, { status: 'draining' });
    for (const { slot, also } of this.#waiting.values()) {
      if (!slot.answered) this.answer(slot, { status: 'draining' });
      for (const { delivery, index } of also)
        delivery.reach('settled', index, { id: slot.id, outcome: { status: 'draining' } });
    }
    this.#waiting.clear();
    this.#deadlines = [];
  }

  /** Another hub has the channel now: hands over who waits for what, and forgets them. */
  handOver(inMemory: Iterable<Slot>): readonly HandedOver[] {
    const handed: HandedOver[] = [];
    const add = (slot: Slot, delivery: BatchDelivery | undefined, index: number, again: boolean) => {
      if (delivery && !slot.answered) handed.push({ slot, delivery, index, again });
    };
    for (const slot of inMemory) add(slot, slot.delivery, slot.index, false);
    for (const { slot, also } of this.#waiting.values()) {
      add(slot, slot.delivery, slot.index, false);
      for (const { delivery, index } of also) add(slot, delivery, index, true);
    }
    for (const { slot } of handed) slot.answered = true;
    this.#waiting.clear();
    this.#deadlines = [];
    this.stop();
    return handed;
  }

  stop(): void {
    this.#cancelWatch?.();
    this.#cancelWatch = undefined;
  }

  #watch(): void {
    this.#cancelWatch = undefined;
    const now = this.#host.clock.monotonic();
    let at = 0;
    for (; at < this.#deadlines.length; at++) {
      const slot = this.#deadlines[at]!;
      if (slot.answered) continue;
      if (slot.answerBy > now) break;
      this.#host.tooLate(slot);
    }
    this.#deadlines = this.#deadlines.slice(at);
    const next = this.#deadlines[0];
    if (next)
      this.#cancelWatch = this.#host.clock.timer(Math.max(5, Math.min(next.answerBy - now, 250)), () => this.#watch());
  }
}
