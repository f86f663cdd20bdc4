/** Something with replies to write. */
export interface Flushable {
  flush(): void;
}

/** Writes once per turn of the event loop: receipts come by the group commit, and so do their replies. */
export class Flusher {
  #due = new Set<Flushable>();

  schedule(connection: Flushable): void {
    if (this.#due.size === 0) process.nextTick(this.#flush);
    this.#due.add(connection);
  }

  readonly #flush = (): void => {
    const due = this.#due;
    this.#due = new Set();
    for (const connection of due) connection.flush();
  };
}
