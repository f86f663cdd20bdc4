import { numbers } from '../../../clients/postgres/quote.ts';
import type { PostgresSession, Value } from '../../../clients/postgres/session.ts';
import type { MessagePage, MessageQuery, MessageSummary } from '../../../core/store/message-store.ts';
import { matches } from '../../../core/store/standing.ts';
import { isUuid } from '../../../core/store/uuid.ts';
import type { Names } from './names.ts';
import { type Stretch, Stretches } from './stretches.ts';
import { messageColumns, summaries } from './summaries.ts';

/** Messages that one page looks at, at most, and in one question. */
const lookAt = 20_000;
const chunk = 1_000;

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
  const channels = await channelsOf(session, quoted, names, query);
  if (channels.length === 0) return { messages: [] };
  const search = new Search(session, quoted, names, channels, query);
  const found: MessageSummary[] = [];
  let at = query.cursor === undefined ? undefined : Number(query.cursor);
  for (let looked = 0; looked < lookAt; ) {
    // A page that asks for few reads few, unless most of them do not match.
    const wanted = looked === 0 ? Math.min(chunk, Math.max(20, query.limit + 1)) : chunk;
    const rows = await search.rows(at, wanted);
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

async function channelsOf(
  session: PostgresSession,
  quoted: string,
  names: Names,
  { channel }: MessageQuery,
): Promise<readonly number[]> {
  const rows = await session.ask(`SELECT DISTINCT channel FROM ${quoted}.counter WHERE destination = 0`);
  const all = rows.map(([id]) => Number(id));
  if (channel === undefined) return all;
  const number = names.known(channel);
  return all.includes(number) ? [number] : [];
}

type Rows = readonly (readonly Value[])[];

class Search {
  readonly #session: PostgresSession;
  readonly #quoted: string;
  /** Of a part that stands as it is asked for. */
  readonly #ofDestination: string;
  readonly #channels: readonly number[];
  readonly #query: MessageQuery;
  readonly #stretches: Stretches;
  readonly #order: 'ASC' | 'DESC';

  constructor(
    session: PostgresSession,
    quoted: string,
    names: Names,
    channels: readonly number[],
    query: MessageQuery,
  ) {
    this.#session = session;
    this.#quoted = quoted;
    const destination = query.destination === undefined ? 0 : names.known(query.destination);
    // Another hub may have given it its number a moment ago.
    this.#ofDestination = destination === 0 ? '' : `AND destination = ${destination}`;
    this.#channels = channels;
    this.#query = query;
    this.#stretches = new Stretches(session, quoted, channels, query);
    this.#order = query.ascending ? 'ASC' : 'DESC';
  }

  /** The next messages after `at`, in order. */
  async rows(at: number | undefined, limit: number): Promise<Rows> {
    const { id, replayOf, status } = this.#query;
    if (id !== undefined) return await this.#those(`m.id = '${id}'`, at, limit);
    if (replayOf !== undefined) return await this.#those(`m.replay_of = '${replayOf}'`, at, limit);
    if (status === 'received' || status === 'queued' || status === 'open-error') {
      const seqs = numbers(await this.#standing(status, at, limit), 'int8');
      return await this.#those(`m.seq = ANY(${seqs})`, at, limit, `AND s.seq = ANY(${seqs})`);
    }
    const found: (readonly Value[])[] = [];
    for await (const stretch of this.#stretches.after(at)) {
      found.push(...(await this.#along(stretch, at, limit - found.length)));
      if (found.length === limit) break;
    }
    return found;
  }

  #those(condition: string, at: number | undefined, limit: number, near = ''): Promise<Rows> {
    return this.#session.ask(
      `SELECT ${messageColumns} FROM ${this.#quoted}.message m LEFT JOIN ${this.#quoted}.settlement s ON s.seq = m.seq ${near}
       WHERE ${condition} AND m.channel = ANY(${this.#ids}) ${this.#after('m', at)} ORDER BY m.seq ${this.#order} LIMIT ${whole(limit)}`,
    );
  }

  /** Each channel's messages are in order in the index; what comes first of all is among the first of each. */
  #along({ first, last, channels }: Stretch, at: number | undefined, limit: number): Promise<Rows> {
    const within = (of: string) => `${of}.seq BETWEEN ${first} AND ${last}`;
    const bounds = channels.map(({ channel, low, high }) => `(${channel}, ${low}::int8, ${high}::int8)`);
    const end = `ORDER BY seq ${this.#order} LIMIT ${whole(limit)}`;
    return this.#session.ask(
      `SELECT ${messageColumns} FROM (
         SELECT f.* FROM (VALUES ${bounds.join(', ')}) c (channel, low, high) CROSS JOIN LATERAL (
           SELECT * FROM ${this.#quoted}.message m WHERE m.channel = c.channel AND m.seq BETWEEN c.low AND c.high
             AND ${within('m')} ${this.#after('m', at)} ${end}) f ${end}) m
       LEFT JOIN ${this.#quoted}.settlement s ON s.seq = m.seq AND ${within('s')} ORDER BY m.seq ${this.#order}`,
    );
  }

  /** Messages that stand so, which is told by tables that have little in them, and by an index. */
  async #standing(
    status: 'received' | 'queued' | 'open-error',
    at: number | undefined,
    limit: number,
  ): Promise<readonly number[]> {
    const of = (table: string) => `channel = ANY(${this.#ids}) ${this.#after(table, at)}`;
    const end = `ORDER BY seq ${this.#order} LIMIT ${whole(limit)}`;
    const among = (table: string, condition: string) =>
      `(SELECT DISTINCT seq FROM ${this.#quoted}.${table} p WHERE ${condition} AND ${of('p')} ${end})`;
    if (status === 'received') return await this.#unrouted(at, end);
    // A message that failed as a whole has no part at any destination.
    const rows =
      status === 'queued'
        ? await this.#session.ask(among('part', `status < 3 ${this.#ofDestination}`))
        : this.#ofDestination
          ? await this.#session.ask(among('part', `status = 4 ${this.#ofDestination}`))
          : await this.#session.ask(
              `SELECT seq FROM (${among('part', 'status = 4')} UNION ${among('settlement', 'error IS NOT NULL AND resolved IS NULL')}) o ${end}`,
            );
    return rows.map(([seq]) => Number(seq));
  }

  async #unrouted(at: number | undefined, end: string): Promise<readonly number[]> {
    const [bounds] = await this.#session.ask(
      `SELECT min(first), max(last) FROM ${this.#quoted}.arrived WHERE channel = ANY(${this.#ids})`,
    );
    if (!bounds || bounds[0] === null) return [];
    const within = (of: string) => `${of}.seq BETWEEN ${Number(bounds[0])} AND ${Number(bounds[1])}`;
    const rows = await this.#session.ask(
      `SELECT m.seq FROM ${this.#quoted}.arrived a
         JOIN ${this.#quoted}.message m ON m.channel = a.channel AND m.seq BETWEEN a.first AND a.last
       WHERE a.channel = ANY(${this.#ids}) AND ${within('m')} ${this.#after('m', at)}
         AND NOT EXISTS (SELECT FROM ${this.#quoted}.settlement s WHERE s.seq = m.seq AND ${within('s')}) ${end}`,
    );
    return rows.map(([seq]) => Number(seq));
  }

  get #ids(): string {
    return numbers(this.#channels, 'int4');
  }

  #after(of: string, at: number | undefined): string {
    return at === undefined ? '' : `AND ${of}.seq ${this.#query.ascending ? '>' : '<'} ${whole(at)}`;
  }
}

function whole(value: number): string {
  return String(Math.trunc(value));
}
