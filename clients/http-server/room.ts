/**
 * Whether the intake has room: while a call of `accept` waits for it, no other body is begun to be read. What is being read
 * already is handed over all the same, at most one body for each connection.
 */
export class Room {
  #calls = 0;
  readonly #waiting = new Set<() => void>();

  /** Resolves when there is room. Rejects with the signal's reason when it aborts first. */
  async wait(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    while (this.#calls > 0) await this.#change(signal);
  }

  /** Runs one call of `accept`. */
  async during<T>(accept: () => Promise<T>): Promise<T> {
    this.#calls++;
    try {
      return await accept();
    } finally {
      this.#calls--;
      if (this.#calls === 0) for (const wake of this.#waiting) wake();
    }
  }

  #change(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    this.#waiting.add(resolve);
    return promise.finally(() => {
      signal.removeEventListener('abort', abort);
      this.#waiting.delete(resolve);
    });
  }
}
