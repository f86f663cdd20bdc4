import type { Laned } from '../lanes.ts';
import type { OutgoingMessage, Slot } from '../slot.ts';

/** One part in memory: on its first pass (`slot` set, no row yet), or a row of the store's queue (`backed`). */
export interface Item extends Laned {
  readonly seq: number;
  readonly n: number;
  readonly position: number;
  readonly message: OutgoingMessage;
  attempts: number;
  readonly firstQueuedAt: number;
  slot: Slot | undefined;
  /** Its row is, or will be after the settlement under way, in the store's queue. */
  backed: boolean;
  /**
   * `limbo`: behind rows that are being read. `lane`: behind an earlier part with its key. `ready`: to be written next.
   * `undecided`: as ready, but its key is being asked about.
   */
  state: 'limbo' | 'lane' | 'ready' | 'undecided' | 'writing' | 'gone';
}

export function byPosition(a: Item, b: Item): number {
  return a.position - b.position;
}
