const mostSets = 256;

/**
 * A map whose entries do not stay. V8 links every table that a Map has outgrown, or shrunk from, to the next one; once one of them is in
 * the old space, all later ones are kept there until the next major collection, with whatever was in them, and each scavenge copies
 * it. So what comes goes into a new Map from time to time, and the one before is let go when it is empty.
 */
export class PassingMap<K, V> {
  #before = new Map<K, V>();
  #now = new Map<K, V>();
  #sets = 0;

  get size(): number {
    return this.#before.size + this.#now.size;
  }

  get(key: K): V | undefined {
    return this.#now.get(key) ?? (this.#before.size > 0 ? this.#before.get(key) : undefined);
  }

  has(key: K): boolean {
    return this.#now.has(key) || this.#before.has(key);
  }

  set(key: K, value: V): void {
    if (this.#before.size > 0 && this.#before.has(key)) {
      this.#before.set(key, value);
      return;
    }
    if (this.#sets >= mostSets && this.#before.size === 0) {
      this.#before = this.#now;
      this.#now = new Map();
      this.#sets = 0;
      this.set(key, value);
      return;
    }
    this.#sets++;
    this.#now.set(key, value);
  }

  /** False where it was not there. */
  delete(key: K): boolean {
    return this.#now.delete(key) || this.#before.delete(key);
  }

  clear(): void {
    this.#before = new Map();
    this.#now = new Map();
    this.#sets = 0;
  }

  /** In the order in which they came. */
  *keys(): Generator<K> {
    yield* this.#before.keys();
    yield* this.#now.keys();
  }

  /** In the order in which they came. */
  *values(): Generator<V> {
    yield* this.#before.values();
    yield* this.#now.values();
  }
}
