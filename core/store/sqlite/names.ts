/**
 * Words that recur in every message (channels, destinations, versions, the fields of its meta, the shape of its settlement) are
 * stored once, and as a small number from then on. The store's own thread hands numbers out; the writer stores a new word in the
 * commit that first uses it.
 */
export class Names {
  readonly #ids = new Map<string, number>();
  #added: [number, string][] = [];
  #last = 0;
  readonly #room: number;

  /** `room` bounds what `idIfRoom` adds, which may come from the wire. */
  constructor(known: readonly (readonly [number, string])[], room = 10_000) {
    for (const [id, text] of known) {
      this.#ids.set(text, id);
      this.#last = Math.max(this.#last, id);
    }
    this.#room = room;
  }

  /** For words of the configuration, which are few. */
  id(text: string): number {
    return this.#ids.get(text) ?? this.#add(text);
  }

  /** 0 where the text is not known and there is no room left for it: the caller stores it as it is. */
  idIfRoom(text: string): number {
    return this.#ids.get(text) ?? (this.#ids.size < this.#room && text.length < 1000 ? this.#add(text) : 0);
  }

  /** The words that were added since it was last called. */
  takeAdded(): readonly (readonly [number, string])[] {
    const added = this.#added;
    if (added.length > 0) this.#added = [];
    return added;
  }

  #add(text: string): number {
    const id = ++this.#last;
    this.#ids.set(text, id);
    this.#added.push([id, text]);
    return id;
  }
}
