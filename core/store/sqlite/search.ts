import type { DatabaseSync } from 'node:sqlite';
import type { MessagePage, MessageQuery, MessageSummary } from '../message-store.ts';
import { matches } from '../standing.ts';
import { isUuid, uuidBytes } from '../uuid.ts';
import { type MessageRow, messageColumns, messageTables, type Summaries } from './summaries.ts';
import type { Texts } from './texts.ts';

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
  readonly #channels: ReturnType<DatabaseSync['prepare']>;

  constructor(db: DatabaseSync, texts: Texts, summaries: Summaries) {
    this.#db = db;
    this.#texts = texts;
    this.#summaries = summaries;
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
    const bound = query.cursor === undefined ? (query.ascending ? 0 : Number.MAX_SAFE_INTEGER) : Number(query.cursor);
    const order = { sign: query.ascending ? '>' : '<', by: query.ascending ? 'ASC' : 'DESC' };
    const index = this.#index(query);
    if (index) {
      const sql = `SELECT ${messageColumns} FROM ${messageTables} WHERE ${index.where} AND m.seq ${order.sign} ? ORDER BY m.seq ${order.by}`;
      return this.#iterate(sql, ...index.values, bound);
    }
    const sql = `SELECT ${messageColumns} FROM ${messageTables} WHERE m.channel = ? AND m.seq ${order.sign} ? ORDER BY m.seq ${order.by}`;
    const named = query.channel === undefined ? undefined : this.#texts.id(query.channel);
    const channels = named === undefined ? this.#channelIds() : [named];
    return merge(
      channels.map((channel) => this.#iterate(sql, channel, bound)),
      query.ascending ?? false,
    );
  }

  /** The condition that an index answers, where the query has one. */
  #index(
    query: MessageQuery,
  ): { readonly where: string; readonly values: readonly (number | Uint8Array)[] } | undefined {
    if (query.id !== undefined) return { where: 'm.id = ?', values: [uuidBytes(query.id)] };
    if (query.replayOf !== undefined) return { where: 'm.replay_of = ?', values: [uuidBytes(query.replayOf)] };
    const channels = query.channel === undefined ? this.#channelIds() : [this.#texts.id(query.channel)];
    const among = (parts: string) => `(m.channel, m.seq) IN (${channels.map(() => parts).join(' UNION ')})`;
    if (query.status === 'received') {
      return { where: among('SELECT channel, seq FROM unrouted WHERE channel = ?'), values: channels };
    }
    if (query.status === 'queued') {
      return { where: among('SELECT channel, seq FROM part WHERE channel = ? AND status < 3'), values: channels };
    }
    if (query.status === 'open-error') {
      const own = 'SELECT channel, seq FROM part WHERE channel = ? AND status = 4';
      const whole = `m.seq IN (SELECT seq FROM settlement WHERE error IS NOT NULL AND resolved IS NULL)`;
      return { where: `(${among(own)} OR ${whole})`, values: channels };
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
