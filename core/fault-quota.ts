const MINUTE_MS = 60_000;

/** How many faults a source still keeps in the minute under way: a storm of them must not fill the store. */
export class FaultQuota {
  readonly #perMinute: number;
  readonly #monotonic: () => number;
  #since = Number.NEGATIVE_INFINITY;
  #taken = 0;

  constructor(perMinute: number, monotonic: () => number) {
    this.#perMinute = perMinute;
    this.#monotonic = monotonic;
  }

  /** Whether one more is kept. */
  take(): boolean {
    const now = this.#monotonic();
    if (now - this.#since >= MINUTE_MS) {
      this.#since = now;
      this.#taken = 0;
    }
    if (this.#taken >= this.#perMinute) return false;
    this.#taken++;
    return true;
  }
}
