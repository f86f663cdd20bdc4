/** Things that are done to one subject never overlap; those of different subjects do. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  take<R>(subject: string, run: () => Promise<R>): Promise<R> {
    const turn = (this.#last.get(subject) ?? Promise.resolve()).then(run, run);
    this.#last.set(subject, turn);
    const forget = () => {
      if (this.#last.get(subject) === turn) this.#last.delete(subject);
    };
    turn.then(forget, forget);
    return turn;
  }
}
