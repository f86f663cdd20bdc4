/** Who waits until something has become so: asked anew at each `wake`. */
export class Waiters {
  #waiting: (() => void)[] = [];

  until(done: () => boolean): Promise<void> {
    if (done()) return Promise.resolve();
    return new Promise((resolve) => {
      const check = () => {
        if (done()) resolve();
        else this.#waiting.push(check);
      };
      this.#waiting.push(check);
    });
  }

  wake(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    for (const check of waiting) check();
  }
}
