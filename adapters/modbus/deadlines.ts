import type { Clock } from '../../core/component.ts';

export interface DeadlineOptions {
  readonly everyMs: number;
  /** The first of them, on the monotonic clock. */
  readonly firstAt: number;
  readonly clock: Clock;
  /** A deadline has come; `next` is when the one after it does. */
  due(next: number): void;
  /** So many came while nothing could run: they are not made up for. */
  missed(count: number): void;
}

/** Deadlines at `firstAt` and every `everyMs` after it, whatever happens between: late ones move none, and none comes twice. */
export class Deadlines {
  readonly #options: DeadlineOptions;
  /** The number of the next one. */
  #next = 0;
  #cancel: () => void = () => undefined;

  constructor(options: DeadlineOptions) {
    this.#options = options;
    this.#arm();
  }

  stop(): void {
    this.#cancel();
  }

  #at(number: number): number {
    return this.#options.firstAt + number * this.#options.everyMs;
  }

  #arm(): void {
    const { clock } = this.#options;
    this.#cancel = clock.timer(Math.max(0, this.#at(this.#next) - clock.monotonic()), () => this.#fire());
  }

  #fire(): void {
    const { everyMs, firstAt, clock, due, missed } = this.#options;
    const now = clock.monotonic();
    // A timer may be early by a fraction of a millisecond.
    const current = Math.max(this.#next, Math.floor((now - firstAt) / everyMs));
    if (current > this.#next) missed(current - this.#next);
    this.#next = current + 1;
    this.#arm();
    due(this.#at(this.#next));
  }
}
