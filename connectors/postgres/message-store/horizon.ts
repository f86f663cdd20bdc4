import type { PostgresSession } from '../../../clients/postgres/session.ts';

/** What a transaction was told when it began. */
export interface Begun {
  /** The last seq that was given to anybody, before the transaction had an id. */
  readonly last: number;
  readonly xid: number;
  /** Of the transactions that had not ended. */
  readonly oldest: number;
}

/**
 * Up to which seq a channel has nothing that is not routed, and will have nothing: who looks for the first such message would else
 * walk over those that were, until autovacuum has been there, and while a dump of the database runs it is never there (50 senders on
 * one channel: 6,200 messages a second in the first seconds, 2,300 after a quarter of a minute).
 */
export class Horizon {
  readonly #routed = new Map<number, number>();
  #session: PostgresSession | undefined;
  #decided = 0;
  #waiting: Begun | undefined;

  /** Messages with a higher seq are looked at. */
  of(channel: number): number {
    return this.#routed.get(channel) ?? 0;
  }

  /** Whether a commit of this connection has told. */
  isOf(session: PostgresSession): boolean {
    return session === this.#session;
  }

  /** After a commit: what it was told, and the first message of each channel that was not routed when it ended, if there was one. */
  committed(session: PostgresSession, begun: Begun, firsts: ReadonlyMap<number, number | undefined>): void {
    // A server that was restored, or a standby that took over, gives seqs and ids once more.
    if (session !== this.#session || begun.last < this.#decided || begun.xid < (this.#waiting?.xid ?? 0)) {
      this.#session = session;
      this.#decided = 0;
      this.#waiting = undefined;
      this.#routed.clear();
      // The firsts were looked for above what is wrong now.
      return;
    }
    if (this.#waiting && begun.oldest > this.#waiting.xid) {
      this.#decided = this.#waiting.last;
      this.#waiting = undefined;
    }
    this.#waiting ??= begun;
    for (const [channel, first = Number.POSITIVE_INFINITY] of firsts)
      this.#routed.set(channel, Math.max(this.of(channel), Math.min(first - 1, this.#decided)));
  }
}
