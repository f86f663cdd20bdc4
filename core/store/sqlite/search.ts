import type { DatabaseSync } from 'node:sqlite';
import type { MessagePage, MessageQuery, MessageSummary } from '../message-store.ts';
import { matches } from '../standing.ts';
import { isUuid, uuidBytes } from '../uuid.ts';
import { type MessageRow, messageColumns, messageTables, type Summaries } from './summaries.ts';
import type { Texts } from './texts.ts';
import { TimeRange } from './time-range.ts';

/** Messages that one page looks at, at most: about 0.2 s, so that a search never holds up the checkpoints for long. */
const lookAt = 20_000;

/**
 * Finds messages. Ids, replays, open errors and what is queued or not routed come from an index; every other search goes through
 * messages in order of seq, from the cursor on.
 */
export class Search {
  readonly #db: DatabaseSync;
  readonly #texts: Texts;
  readonly #summaries: Summaries;
  readonly #times: TimeRange;
  readonly #channels: ReturnType<DatabaseSync['prepare']>;

  constructor(db: DatabaseSync, texts: Texts, summaries: Summaries) {
    this.#db = db;
    this.#texts = texts;
    this.#summaries = summaries;
    this.#times = new TimeRange(db);
    this.#channels = db.prepare('SELECT channel FROM counter WHERE destination = 0');
  }

  run(query: MessageQuery): MessagePage {
    for (const id of [query.id, query.replayOf]) if (id !== undefined && !isUuid(id)) return { messages: [] };
    const found: MessageSummary[] = [];
    let looked = 0;
    let last: number | undefined;
    for (const row of this.#rows(query)) {
      if (found.length === query.limit || looked === lookAt) return page(found, last);
      const summary = this.#summaries.of(row);
      if (matches(query, summary)) found.push(summary);
      last = row.seq;
      looked++;
    }
    return page(found, undefined);
  }

  #rows(query: MessageQuery): Iterable<MessageRow> {
    const ascending = query.ascending ?? false;
    const start = query.cursor === undefined ? (ascending ? 0 : Number.MAX_SAFE_INTEGER) : Number(query.cursor);
    const order = ascending ? '> ? ORDER BY m.seq ASC' : '< ? ORDER BY m.seq DESC';
    const index = this.#index(query);
    if (index) {
      const sql = `SELECT ${messageColumns} FROM ${messageTables} WHERE ${index.where} AND m.seq ${order}`;
      return this.#iterate(sql, ...index.values, start);
    }
    const sql = `SELECT ${messageColumns} FROM ${messageTables}
      WHERE m.channel = ? AND m.seq BETWEEN ? AND ? AND m.seq ${order}`;
    const channels = query.channel === undefined ? this.#channelIds() : [this.#texts.id(query.channel)];
    const rows = channels.map((channel) => {
      const { first, last } = this.#times.range(channel, query.from, query.to);
      return this.#iterate(sql, channel, first, last, start);
    });
    return merge(rows, ascending);
  }

  /** The condition that an index answers, where the query has one. */
  #index(
    query: MessageQuery,
  ): { readonly where: string; readonly values: readonly (number | Uint8Array)[] } | undefined {
    if (query.id !== undefined) return { where: 'm.id = ?', values: [uuidBytes(query.id)] };
    if (query.replayOf !== undefined) return { where: 'm.replay_of = ?', values: [uuidBytes(query.replayOf)] };
    const values = query.channel === undefined ? [] : [this.#texts.id(query.channel)];
    const among = (rows: string) =>
      `(m.channel, m.seq) IN (SELECT channel, seq FROM ${rows}${values.length > 0 ? ' AND channel = ?' : ''})`;
    if (query.status === 'received') return { where: among('unrouted WHERE true'), values };
    if (query.status === 'queued') return { where: among('part WHERE status < 3'), values };
    if (query.status === 'open-error') {
      const own = 'm.seq IN (SELECT seq FROM settlement WHERE error IS NOT NULL AND resolved IS NULL)';
      return { where: `(${among('part WHERE status = 4')} OR ${own})`, values };
    }
    return undefined;
  }

  #channelIds(): readonly number[] {
    return (this.#channels.all() as unknown as { channel: number }[]).map(({ channel }) => channel);
  }

  #iterate(sql: string, ...values: (number | Uint8Array)[]): IterableIterator<MessageRow> {
    return this.#db.prepare(sql).iterate(...values) as unknown as IterableIterator<MessageRow>;
  }
}

function page(messages: readonly MessageSummary[], last: number | undefined): MessagePage {
  return last === undefined ? { messages } : { messages, cursor: String(last) };
}

/** The rows of several channels as one, in order of seq. */
function* merge(channels: readonly IterableIterator<MessageRow>[], ascending: boolean): Generator<MessageRow> {
  if (channels.length === 1) {
    yield* channels[0]!;
    return;
  }
  const heads = channels.map((rows) => ({ rows, next: rows.next() }));
  try {
    while (true) {
      let first: (typeof heads)[number] | undefined;
      for (const head of heads) {
        if (head.next.done) continue;
        if (!first || head.next.value.seq < first.next.value!.seq === ascending) first = head;
      }
      if (!first) return;
      yield first.next.value!;
      first.next = first.rows.next();
    }
  } finally {
    for (const { rows } of heads) rows.return?.();
  }
}
