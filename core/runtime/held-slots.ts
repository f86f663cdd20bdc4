import type { Slot } from './slot.ts';

/** Messages of this hub that wait, in memory and in order of seq, until what others stored before them has been read. */
export class HeldSlots {
  readonly #slots = new Map<number, Slot>();
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }
  get size(): number {
    return this.#slots.size;
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

  delete(slot: Slot): void {
    if (this.#slots.delete(slot.seq)) this.#bytes -= slot.raw.length;
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
