import type { Item } from './item.ts';

export interface ReadyItemsHost {
  /** Whether it may go; `asking` while the store is asked what its keys have before it. */
  verdict(item: Item): 'free' | 'blocked' | 'asking';
  /** The hold has to be known before the next item of the key is looked at. */
  hold(item: Item): void;
  /** One that is held back goes (back) to the store. */
  parkBlocked(item: Item): void;
}

/** Parts that are to be written next, in their order. Those that have left it in another way are passed over. */
export class ReadyItems {
  readonly #host: ReadyItemsHost;
  #items: Item[] = [];
  #undecided: Item[] = [];

  constructor(host: ReadyItemsHost) {
    this.#host = host;
  }

  get length(): number {
    return this.#items.length;
  }

  add(item: Item): void {
    item.state = 'ready';
    this.#items.push(item);
  }

  /** What was not tried goes first the next time. */
  putBack(items: readonly Item[]): void {
    for (const item of items) item.state = 'ready';
    if (items.length > 0) this.#items = [...items, ...this.#items];
  }

  /** What is written together next; `inOrder`: nothing goes before one that is still being asked about. */
  next(most: number, inOrder: boolean): readonly Item[] {
    const batch: Item[] = [];
    const blocked: Item[] = [];
    let taken = 0;
    for (const item of this.#items) {
      if (batch.length >= most) break;
      if (item.state === 'ready') {
        const verdict = this.#host.verdict(item);
        if (verdict === 'free') {
          item.state = 'writing';
          batch.push(item);
        } else if (verdict === 'blocked') {
          this.#host.hold(item);
          blocked.push(item);
        } else if (inOrder) break;
        else {
          item.state = 'undecided';
          this.#undecided.push(item);
        }
      }
      taken += 1;
    }
    this.#items = taken === this.#items.length ? [] : this.#items.slice(taken);
    for (const item of blocked) this.#host.parkBlocked(item);
    return batch.length > 0 || taken === 0 || this.#items.length === 0 ? batch : this.next(most, inOrder);
  }

  /** The store was asked which parts of a key may go: what waited for that is looked at again. */
  decide(): void {
    const undecided = this.#undecided.filter((item) => item.state === 'undecided');
    this.#undecided = [];
    this.putBack(undecided);
  }

  forget(): void {
    this.#items = [];
    this.#undecided = [];
  }
}
