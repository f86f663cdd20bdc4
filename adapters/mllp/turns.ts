/** The place of one reply in the order in which a connection owes them. */
export interface Turn {
  /** `close`: from here on nothing is answered, and the connection ends. */
  state: 'open' | 'answered' | 'close';
  /** Each byte one character. Nothing where the sender wants no reply after all. */
  reply: string | undefined;
}

/** The replies that a connection owes, in order of arrival: one that is late holds back those after it. */
export class Turns {
  #queue: Turn[] = [];
  #head = 0;

  /** Replies that are owed. */
  get open(): number {
    return this.#queue.length - this.#head;
  }

  add(): Turn {
    const turn: Turn = { state: 'open', reply: undefined };
    this.#queue.push(turn);
    return turn;
  }

  /** Moves what is due into `replies`; false when a turn has come that closes the connection. */
  takeDue(replies: string[]): boolean {
    let turn: Turn | undefined;
    while ((turn = this.#queue[this.#head]) && turn.state === 'answered') {
      if (turn.reply !== undefined) replies.push(turn.reply);
      this.#head++;
    }
    if (this.#head === this.#queue.length || this.#head > 1_024) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    return turn?.state !== 'close';
  }
}
