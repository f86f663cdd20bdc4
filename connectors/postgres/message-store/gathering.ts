import type { Call } from './calls.ts';

/** Messages that are enough for a commit: it is begun at once, while the answers to the one before it go out. */
const enough = 24;
const leastMs = 1;
const mostMs = 5;
/** So many commits at most wait for nobody after one that waited in vain: twice as many each time, and half as many where it did not. */
const mostPausing = 64;

/**
 * Waits a moment for those who were just answered. Most senders send their next message when the one before is acknowledged, and a
 * commit costs the database more than a millisecond, whatever is in it: two commits that take turns with half of the senders each
 * cost twice what one with all of them does.
 */
export class Gathering {
  /** Messages that wait for the next commit, and whose end somebody waits for. */
  #waiting = 0;
  /** Of the commit that was taken last. */
  #taken = 0;
  #pausing = 0;
  #pauses = 1;
  #target = 0;
  #reached: (() => void) | undefined;

  /** A call that may wait is of nobody who would send the next message. */
  came(call: Call, mayWaitMs: number): void {
    if (mayWaitMs > 0 || (call.kind !== 'append' && call.kind !== 'settle')) return;
    this.#waiting += call.batch.length;
    if (this.#reached && this.#waiting >= this.#target) this.#reached();
  }

  /** Whether so many wait that a commit of them need not wait for more. */
  get isEnough(): boolean {
    return this.#waiting >= enough;
  }

  /** What waited is in a commit. */
  taken(): void {
    this.#taken = this.#waiting;
    this.#waiting = 0;
  }

  /** How many to wait for, once the calls of the last commit are answered; 0 where nothing is gained by it. */
  get target(): number {
    if (this.#waiting >= enough || this.#taken === 0 || this.#taken + this.#waiting === 1) return 0;
    if (this.#pausing > 0) {
      this.#pausing--;
      return 0;
    }
    return Math.min(enough, this.#taken + this.#waiting);
  }

  /** Resolves when so many wait, or about the time of a commit has passed. */
  async until(target: number, commitMs: number): Promise<void> {
    if (this.#waiting >= target) return;
    this.#target = target;
    const { promise, resolve } = Promise.withResolvers<void>();
    const late = setTimeout(resolve, Math.min(mostMs, Math.max(leastMs, commitMs)));
    this.#reached = resolve;
    await promise;
    clearTimeout(late);
    this.#reached = undefined;
    const inVain = this.#waiting < target;
    this.#pauses = inVain ? Math.min(mostPausing, this.#pauses * 2) : Math.max(1, this.#pauses / 2);
    if (inVain) this.#pausing = this.#pauses;
    // With them comes what has come in the same turn.
    else await nextTurn();
  }
}

export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
