import { PassingMap } from '../passing-map.ts';
import type { Slot } from './slot.ts';

/** Messages in memory by seq, in the order in which they came, and how large they are together. */
export class Slots {
  readonly #slots = new PassingMap<number, Slot>();
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }
  get size(): number {
    return this.#slots.size;
  }
  get(seq: number): Slot | undefined {
    return this.#slots.get(seq);
  }
  seqs(): Iterable<number> {
    return this.#slots.keys();
  }
  all(): readonly Slot[] {
    return [...this.#slots.values()];
  }

  add(slot: Slot): void {
    this.#slots.set(slot.seq, slot);
    this.#bytes += slot.raw.length;
  }

  /** False where it was not among them. */
  delete(slot: Slot): boolean {
    if (!this.#slots.delete(slot.seq)) return false;
    this.#bytes -= slot.raw.length;
    return true;
  }

  clear(): void {
    this.#slots.clear();
    this.#bytes = 0;
  }
}

/**
 * What goes on now of a page of stored messages and of slots that were held when it was asked for, in order of seq. Of the held ones
 * those go that the page proves to be next: up to its last row, or all of them where the page was all there was.
 */
export function inOrder(rows: readonly Slot[], held: readonly Slot[], pageWasAll: boolean): readonly Slot[] {
  const last = pageWasAll ? Number.POSITIVE_INFINITY : (rows.at(-1)?.seq ?? -1);
  return [...rows, ...held.filter(({ seq }) => seq <= last)].sort((a, b) => a.seq - b.seq);
}
