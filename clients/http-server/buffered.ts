/** The memory that the bodies of all connections have together. */
export class BufferBudget {
  readonly #most: number;
  #used = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** The share of one body; disposing of it gives back what it took. */
  open(): Buffered & Disposable {
    let held = 0;
    return {
      take: (length) => {
        if (this.#used + length > this.#most) return false;
        this.#used += length;
        held += length;
        return true;
      },
      [Symbol.dispose]: () => {
        this.#used -= held;
        held = 0;
      },
    };
  }
}

export interface Buffered {
  /** False: there is no room for so many more bytes, and nothing was taken. */
  take(length: number): boolean;
}
