/** Places that one search looks at, and how long it may take: whoever asks more asks again, for a shorter time. */
const mostLooked = 20_000;
const mostMs = 1_000;

/** One search as it goes on: when it has to end, and whether it left something out. */
export class Look {
  /** There is more than was looked at, or than was asked for. */
  more = false;
  looked = 0;
  readonly #until: number;
  readonly #signal: AbortSignal | undefined;

  constructor(ms: number = mostMs, signal?: AbortSignal) {
    this.#until = performance.now() + ms;
    this.#signal = signal;
  }

  /** Whether it has looked for long enough. Throws the reason where nobody waits for it any more. */
  over(): boolean {
    this.#signal?.throwIfAborted();
    const over = this.looked > mostLooked || this.leftMs <= 0;
    if (over) this.more = true;
    return over;
  }

  get leftMs(): number {
    return this.#until - performance.now();
  }

  get signal(): AbortSignal | undefined {
    return this.#signal;
  }
}
