import type { DatabaseSync } from 'node:sqlite';

/** Clocks are set back now and then: times rise with seq but for this much. */
const slackMs = 3_600_000;

/** Finds the messages of a channel that were received within a time: by halving, as times rise with seq, so without an index. */
export class TimeRange {
  readonly #ends: ReturnType<DatabaseSync['prepare']>;
  readonly #from: ReturnType<DatabaseSync['prepare']>;

  constructor(db: DatabaseSync) {
    this.#ends = db.prepare(
      `SELECT (SELECT min(seq) FROM message WHERE channel = ?1) AS first,
        (SELECT max(seq) FROM message WHERE channel = ?1) AS last`,
    );
    this.#from = db.prepare('SELECT seq, received_at FROM message WHERE channel = ? AND seq >= ? ORDER BY seq LIMIT 1');
  }

  /** Seqs, both inclusive, outside of which no message was received within [from, to). */
  range(
    channel: number,
    from: number | undefined,
    to: number | undefined,
  ): { readonly first: number; readonly last: number } {
    if (from === undefined && to === undefined) return { first: 0, last: Number.MAX_SAFE_INTEGER };
    const { first, last } = this.#ends.get(channel) as { first: number | null; last: number | null };
    if (first === null || last === null) return { first: 0, last: 0 };
    return {
      first: from === undefined ? first : this.#lowest(channel, first, last, from - slackMs),
      last: to === undefined ? last : this.#lowest(channel, first, last, to + slackMs),
    };
  }

  /** The lowest seq that was received at `time` or later; `last` where none was. */
  #lowest(channel: number, first: number, last: number, time: number): number {
    let low = first;
    let high = last;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const row = this.#from.get(channel, middle) as { seq: number; received_at: number } | undefined;
      if (row && row.received_at < time) low = row.seq + 1;
      else high = middle;
    }
    return low;
  }
}
