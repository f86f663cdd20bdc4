import { PassingMap } from '../passing-map.ts';

/** What waits in lanes: `laneKeys` name the lanes it needs, all of them at once. */
export interface Laned {
  readonly laneKeys: readonly string[];
  /** Lanes in which somebody is ahead of it. Only lanes change it. */
  lanesAhead: number;
}

/**
 * Order per key, for things with several keys: whoever enters first holds all its lanes until it leaves, and whoever shares a key
 * with it waits (rule 2). Entering in one order everywhere is what excludes deadlock.
 */
export class Lanes<T extends Laned> {
  // A lane with nobody waiting holds just its owner: no array per key on the hot path.
  readonly #lanes = new PassingMap<string, T | T[]>();

  /** True: it has all its lanes and may go. False: it is returned by a later `leave`. */
  enter(item: T): boolean {
    item.lanesAhead = 0;
    for (const key of item.laneKeys) {
      const lane = this.#lanes.get(key);
      if (lane === undefined) this.#lanes.set(key, item);
      else {
        item.lanesAhead += 1;
        if (Array.isArray(lane)) lane.push(item);
        else this.#lanes.set(key, [lane, item]);
      }
    }
    return item.lanesAhead === 0;
  }

  /** Gives up the lanes of an item, wherever it stands in them; calls `free` for each item that may go now. */
  leave(item: T, free: (next: T) => void): void {
    for (const key of item.laneKeys) {
      const lane = this.#lanes.get(key);
      if (lane === item) {
        this.#lanes.delete(key);
        continue;
      }
      if (!Array.isArray(lane)) continue;
      const at = lane.indexOf(item);
      if (at < 0) continue;
      lane.splice(at, 1);
      const first = lane[0];
      if (lane.length === 0) this.#lanes.delete(key);
      if (at === 0 && first) {
        first.lanesAhead -= 1;
        if (first.lanesAhead === 0) free(first);
      }
    }
  }

  /** True where nobody holds a lane. */
  get empty(): boolean {
    return this.#lanes.size === 0;
  }
}
