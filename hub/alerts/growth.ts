import { z } from 'zod';

const everyMs = 10 * 60_000;
const keepMs = 24 * 3_600_000;
const neededMs = 3 * 3_600_000;
const dayMs = 86_400_000;

const samples = z.array(z.tuple([z.number(), z.number()]));

/** How fast the store grows: what it took on disk over the last day, every ten minutes. */
export class Growth {
  #samples: (readonly [at: number, bytes: number])[] = [];

  note(bytes: number, at: number): boolean {
    if (at - (this.#samples.at(-1)?.[0] ?? Number.NEGATIVE_INFINITY) < everyMs) return false;
    this.#samples.push([at, bytes]);
    this.#samples = this.#samples.filter(([each]) => at - each <= keepMs);
    return true;
  }

  /** Bytes a day, as a straight line through the samples (least squares); undefined below three hours of them. */
  perDay(): number | undefined {
    const [first] = this.#samples;
    const last = this.#samples.at(-1);
    if (!first || !last || last[0] - first[0] < neededMs) return undefined;
    const mean = (at: 0 | 1) => this.#samples.reduce((sum, each) => sum + each[at], 0) / this.#samples.length;
    const [meanAt, meanBytes] = [mean(0), mean(1)];
    let [above, below] = [0, 0];
    for (const [at, bytes] of this.#samples) {
      above += (at - meanAt) * (bytes - meanBytes);
      below += (at - meanAt) ** 2;
    }
    return (above / below) * dayMs;
  }

  kept(): unknown {
    return this.#samples;
  }

  restore(kept: unknown): void {
    const read = samples.safeParse(kept);
    if (read.success) this.#samples = [...read.data];
  }
}
