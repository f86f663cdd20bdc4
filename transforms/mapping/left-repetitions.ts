import type { Line } from './hl7-line.ts';

/** Of fields that have lost repetitions: those that are left, by their number in the message that was begun with. */
export class LeftRepetitions {
  readonly #left = new Map<Line, Map<number, readonly number[]>>();

  /** Where a repetition of field `n` stands now, from 1; 0 where it was deleted. */
  now(line: Line, n: number, original: number): number {
    const left = this.#left.get(line)?.get(n);
    return left ? left.indexOf(original) + 1 : original;
  }

  /** @param stay those that are not deleted, by where they stand now, from 0 */
  leave(line: Line, n: number, stay: readonly number[]): void {
    const fields = this.#left.get(line) ?? new Map<number, readonly number[]>();
    this.#left.set(line, fields);
    const before = fields.get(n);
    // What was added since is none of the message that was begun with.
    fields.set(
      n,
      stay.map((at) => (before ? (before[at] ?? 0) : at + 1)),
    );
  }
}
