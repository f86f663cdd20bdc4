import { numbers } from '../../../clients/postgres/quote.ts';
import type { PostgresSession, Value } from '../../../clients/postgres/session.ts';
import type { MessagePage, MessageQuery, MessageSummary } from '../../../core/store/message-store.ts';
import { matches } from '../../../core/store/standing.ts';
import { isUuid } from '../../../core/store/uuid.ts';
import type { Names } from './names.ts';
import { messageColumns, summaries } from './summaries.ts';

/** Messages that one page looks at, at most, and in one question. */
const lookAt = 20_000;
const chunk = 1_000;
/** Clocks are set back now and then: times rise with seq but for this much. */
const slackMs = 3_600_000;

/**
 * Finds messages. Ids, replays, open errors and what is queued or not routed come from an index; every other search goes through
 * messages in order of seq, from the cursor on.
 */
export async function find(
  session: PostgresSession,
  quoted: string,
  names: Names,
  query: MessageQuery,
): Promise<MessagePage> {
  for (const id of [query.id, query.replayOf]) if (id !== undefined && !isUuid(id)) return { messages: [] };
  const search = new Search(session, quoted, names, query);
  const channels = await search.channels();
  if (channels.length === 0) return { messages: [] };
  const found: MessageSummary[] = [];
  let at = query.cursor === undefined ? undefined : Number(query.cursor);
  for (let looked = 0; looked < lookAt; ) {
    // A page that asks for few reads few, unless most of them do not match.
    const wanted = looked === 0 ? Math.min(chunk, Math.max(20, query.limit + 1)) : chunk;
    const rows = await search.rows(channels, at, wanted);
    const all = await summaries(session, quoted, names, rows);
    for (const summary of all) {
      if (found.length === query.limit) return { messages: found, cursor: String(at) };
      at = summary.seq;
      looked++;
      if (matches(query, summary)) found.push(summary);
    }
    if (rows.length < wanted) return { messages: found };
  }
  return { messages: found, cursor: String(at) };
}

class Search {
  readonly #session: PostgresSession;
  readonly #quoted: string;
  readonly #names: Names;
  readonly #query: MessageQuery;
  readonly #ascending: boolean;

  constructor(session: PostgresSession, quoted: string, names: Names, query: MessageQuery) {
    this.#session = session;
    this.#quoted = quoted;
    this.#names = names;
    this.#query = query;
    this.#ascending = query.ascending ?? false;
  }

  async channels(): Promise<readonly number[]> {
    const { channel } = this.#query;
    const rows = await this.#session.ask(`SELECT DISTINCT channel FROM ${this.#quoted}.counter WHERE destination = 0`);
    const all = rows.map(([id]) => Number(id));
    if (channel === undefined) return all;
    const number = this.#names.known(channel);
    return all.includes(number) ? [number] : [];
  }

  /** The next messages after `at`, in order. */
  rows(channels: readonly number[], at: number | undefined, limit: number): Promise<readonly (readonly Value[])[]> {
    const order = this.#ascending ? 'ASC' : 'DESC';
    const after = at === undefined ? '' : `AND m.seq ${this.#ascending ? '>' : '<'} ${whole(at)}`;
    const times = this.#times();
    const those = this.#indexed(channels);
    const tables = `LEFT JOIN ${this.#quoted}.settlement s ON s.seq = m.seq`;
    // Each channel's messages are in order in the index; what comes first of all is among the first of each.
    const sql = those
      ? `SELECT ${messageColumns} FROM ${this.#quoted}.message m ${tables}
         WHERE ${those} AND m.channel = ANY(${numbers(channels, 'int4')}) ${after} ORDER BY m.seq ${order} LIMIT ${whole(limit)}`
      : `SELECT ${messageColumns} FROM (
           SELECT f.* FROM unnest(${numbers(channels, 'int4')}) c CROSS JOIN LATERAL (
             SELECT * FROM ${this.#quoted}.message m WHERE m.channel = c ${times} ${after} ORDER BY m.seq ${order} LIMIT ${whole(limit)}) f
           ORDER BY f.seq ${order} LIMIT ${whole(limit)}) m ${tables} ORDER BY m.seq ${order}`;
    return this.#session.ask(sql);
  }

  /** Seqs outside of which nothing of a channel `c` was received in the time. */
  #times(): string {
    const { from, to } = this.#query;
    const at = (time: number) => `${this.#quoted}.seq_at(c, 0, ${Number.MAX_SAFE_INTEGER}, ${whole(time)})`;
    const first = from === undefined ? '' : `AND m.seq >= ${at(from - slackMs)}`;
    return to === undefined ? first : `${first} AND m.seq <= ${at(to + slackMs)}`;
  }

  /** The condition that an index answers, where the query has one. Ids are in the form of UUIDs. */
  #indexed(channels: readonly number[]): string | undefined {
    const { id, replayOf, status } = this.#query;
    if (id !== undefined) return `m.id = '${id}'`;
    if (replayOf !== undefined) return `m.replay_of = '${replayOf}'`;
    const of = `channel = ANY(${numbers(channels, 'int4')})`;
    const among = (rows: string) => `m.seq IN (SELECT seq FROM ${this.#quoted}.${rows} AND ${of})`;
    if (status === 'received') return among('unrouted WHERE true');
    if (status === 'queued') return among('part WHERE status < 3');
    if (status === 'open-error') {
      return `(${among('part WHERE status = 4')} OR ${among('settlement WHERE error IS NOT NULL AND resolved IS NULL')})`;
    }
    return undefined;
  }
}

function whole(value: number): string {
  return String(Math.trunc(value));
}
