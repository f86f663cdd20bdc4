/** The quota of the backlog (rule 26), in bytes. */
export class BacklogQuota {
  readonly #most: number;
  /** Bytes of what was refused last, unless something has been let in since. */
  #refused = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Whether there is no room for so many more. */
  refuses(backlog: number, bytes: number): boolean {
    const refused = backlog + bytes > this.#most;
    this.#refused = refused ? bytes : 0;
    return refused;
  }

  /** Nothing is let in: at its end, or so near it that there is no room for what came last. */
  isReached(backlog: number): boolean {
    return backlog >= this.#most || backlog + this.#refused > this.#most;
  }
}
