import type { Item } from './item.ts';

const rememberedKeys = 10_000;

/** What was sent last with each key, for the question whether a part was overtaken. Bounded: the keys used longest ago are forgotten. */
export class LastSent {
  /** In milliseconds since the epoch. */
  at: number | undefined;
  readonly #ofKey = new Map<string, number>();
  #highest = -1;
  /** Keys may have been sent that are not remembered; so it is after a start. */
  #forgot = true;

  add({ position, laneKeys }: Item, at: number): void {
    this.at = at;
    this.#highest = Math.max(this.#highest, position);
    for (const key of laneKeys) {
      if (this.#ofKey.size >= rememberedKeys && !this.#ofKey.has(key)) {
        this.#ofKey.delete(this.#ofKey.keys().next().value!);
        this.#forgot = true;
      }
      this.#ofKey.set(key, position);
    }
  }

  /** True where a later part with one of these keys was sent already, or may have been. */
  overtaken(position: number, keys: readonly string[]): boolean {
    if (keys.length === 0 || position > this.#highest) return false;
    return keys.some((key) => {
      const last = this.#ofKey.get(key);
      return last === undefined ? this.#forgot : last > position;
    });
  }
}
