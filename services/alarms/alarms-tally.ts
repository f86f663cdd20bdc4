import type { PatientScores } from './patient-scores.ts';

/** `judged` by the alarms of their device; `late`: newer ones of it were known, so that they change no alarm. */
export type ReadingOutcome = 'judged' | 'late';

/** What was done, in figures without names of anybody. */
export class AlarmsTally {
  readonly #readings = { judged: 0, late: 0 };
  readonly #computed = new Map<string, number>();
  readonly #missing = new Map<string, { readonly score: string; readonly input: string; count: number }>();

  readings(outcome: ReadingOutcome, count: number): void {
    this.#readings[outcome] += count;
  }

  /** Of a patient about whom something new was read. */
  scores({ news2, mews }: Pick<PatientScores, 'news2' | 'mews'>): void {
    for (const [score, scored] of Object.entries({ NEWS2: news2, MEWS: mews }))
      if ('score' in scored) this.#computed.set(score, (this.#computed.get(score) ?? 0) + 1);
      else for (const input of scored.missing) this.#miss(score, input, 1);
  }

  add(other: AlarmsTally): void {
    this.#readings.judged += other.#readings.judged;
    this.#readings.late += other.#readings.late;
    for (const [score, count] of other.#computed) this.#computed.set(score, (this.#computed.get(score) ?? 0) + count);
    for (const { score, input, count } of other.#missing.values()) this.#miss(score, input, count);
  }

  figures() {
    return {
      readings: { ...this.#readings },
      computed: [...this.#computed].map(([score, count]) => ({ score, count })),
      missing: [...this.#missing.values()].map((each) => ({ ...each })),
    };
  }

  #miss(score: string, input: string, count: number): void {
    const known = this.#missing.get(`${score} ${input}`);
    if (known) known.count += count;
    else this.#missing.set(`${score} ${input}`, { score, input, count });
  }
}
