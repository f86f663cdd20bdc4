/** Counts what came back, and how long it took. */
export class Tally {
  sent = 0;
  /** Messages without an answer: the far end closed, or did not answer in time. */
  unanswered = 0;
  /** Answers to nothing that was asked. */
  stray = 0;
  /** On the clock of `performance.now()`. */
  lastAnswerAt = 0;
  readonly codes = new Map<string, number>();
  readonly #latencies: number[] = [];

  answered(code: string, latencyMs: number): void {
    this.codes.set(code, (this.codes.get(code) ?? 0) + 1);
    this.#latencies.push(latencyMs);
    this.lastAnswerAt = performance.now();
  }

  /** An application acknowledgement after a commit accept: it counts by its code, not by its latency. */
  followedUp(code: string): void {
    this.codes.set(code, (this.codes.get(code) ?? 0) + 1);
  }

  get answers(): number {
    return this.#latencies.length;
  }

  /** Answers other than AA and CA. */
  get negative(): number {
    let count = 0;
    for (const [code, each] of this.codes) if (code !== 'AA' && code !== 'CA') count += each;
    return count;
  }

  /** Milliseconds at 0.5, 0.9, 0.99 and 1; nearest rank. Undefined while nothing was answered. */
  percentiles():
    | { readonly p50: number; readonly p90: number; readonly p99: number; readonly max: number }
    | undefined {
    const sorted = Float64Array.from(this.#latencies).sort();
    if (sorted.length === 0) return undefined;
    const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
    return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
  }
}
