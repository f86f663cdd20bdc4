import { literal, numbers } from '../../../../clients/postgres/quote.ts';
import type { PostgresSession } from '../../../../clients/postgres/session.ts';
import type { Extractor } from '../../../../core/search/extractor.ts';
import type { FeedMessage } from '../../../../core/search/feed.ts';
import type { ContentLevel } from '../../../../core/store/message-store.ts';
import type { Names } from '../names.ts';
import { searchPartitionStatements } from './partitions.ts';
import { PostgresReads } from './reads.ts';
import { PageRows } from './rows.ts';

/** Of whoever indexes a store; with the schema's name it makes the key. */
export const lockClass = 0x77_65_69_74;
/** A page takes some 30 ms, which a search waits for; seqs of one page lie this close together. */
const pageSeqs = 250;
const pageBytes = 8 * 1024 * 1024;
/** A turn commits after so long: what it has read is found then, and other hubs get theirs. */
const turnMs = 1_000;
/** Messages whose first pass has not ended: so many are looked at in a turn, and so many of them indexed. */
const openLooked = 2_000;
const openIndexed = 500;

/** Where the index has come to, as the database has it. */
interface Position {
  seq: number;
  readonly freeText: boolean;
  readonly levels: Map<number, ContentLevel>;
}

/** What the hub that indexes keeps from one turn to the next; whoever takes over begins without it. */
export interface Follow {
  /** Nothing will be committed up to this seq any more. */
  bound: number;
  /** The last seq that was read, and the transactions that were under way then. */
  asked: { readonly last: number; readonly underWay: string } | undefined;
  /** How far those were looked at whose first pass had not ended. */
  openAt: number;
  unread: number;
}

/** Waits until nobody has a turn, and has it until the transaction ends. */
export function lockStatement(quoted: string): string {
  return `SELECT pg_advisory_xact_lock(${lockKey(quoted)})`;
}

function lockKey(quoted: string): string {
  return `${lockClass}, hashtext(${literal(quoted)})`;
}

export type TurnEnd = 'not-mine' | 'nothing' | 'some' | 'more';

export interface TurnOptions {
  /** Writes, and holds the lock. */
  readonly writer: PostgresSession;
  /** Reads the next page while the last is written. */
  readonly reader: PostgresSession;
  readonly quoted: string;
  readonly hub: string;
  readonly names: Names;
  readonly extractor: Extractor;
  readonly follow: Follow;
}

/**
 * One turn at indexing a store, in one transaction with the position that it comes to: what is found is never more, nor less, than
 * the position says. One hub has a turn at a time, under an advisory lock that ends with the transaction, so that whoever dies is
 * followed by another, also behind a pooler.
 */
export async function turn(options: TurnOptions): Promise<TurnEnd> {
  const { writer } = options;
  const lock = `SELECT pg_try_advisory_xact_lock(${lockKey(options.quoted)})`;
  // Lost with a crash of the server is only what the position then does not say either.
  const begin = [
    'BEGIN',
    "SET LOCAL idle_in_transaction_session_timeout = '15s'",
    'SET LOCAL synchronous_commit = off',
    lock,
  ];
  try {
    const answers = await writer.run(begin.map((text) => ({ text })));
    const mine = answers[3]?.[0]?.[0] === 't';
    const end = mine ? await new Turn(options).run() : 'not-mine';
    await writer.run([{ text: 'COMMIT' }]);
    return end;
  } catch (thrown) {
    if (writer.usable) await writer.run([{ text: 'ROLLBACK' }]);
    throw thrown;
  }
}

class Turn {
  readonly #options: TurnOptions;
  readonly #reads: PostgresReads;
  readonly #until = performance.now() + turnMs;
  #position: Position = { seq: 0, freeText: false, levels: new Map() };
  #channels: readonly number[] = [];
  /** That have partitions. */
  readonly #slots = new Set<number>();
  #written: Promise<unknown> = Promise.resolve();

  constructor(options: TurnOptions) {
    this.#options = options;
    this.#reads = new PostgresReads(options.reader, options.quoted, options.names);
  }

  async run(): Promise<TurnEnd> {
    const { writer, quoted, follow, hub, reader } = this.#options;
    await this.#readPosition();
    await this.#findBound();
    this.#channels = await this.#reads.channels();
    let indexed = await this.#indexEnded();
    let more = true;
    while (more && performance.now() < this.#until) {
      const page = await inSnapshot(reader, () => this.#page());
      more = page !== undefined;
      if (!page) break;
      indexed += page.messages.length;
      await this.#write(page.messages.map((message) => ({ message })));
      this.#position.seq = page.upTo;
    }
    await this.#written;
    if (indexed === 0) return 'nothing';
    await writer.ask(`UPDATE ${quoted}.search_position SET seq = $1, levels = $2, hub = $3`, [
      this.#position.seq,
      JSON.stringify([...this.#position.levels]),
      hub,
    ]);
    return more && this.#position.seq < follow.bound ? 'more' : 'some';
  }

  async #readPosition(): Promise<void> {
    const { writer, quoted } = this.#options;
    const [row] = await writer.ask(`SELECT seq, free_text, levels FROM ${quoted}.search_position FOR UPDATE`);
    const levels = new Map(JSON.parse(String(row?.[2] ?? '[]')) as [number, ContentLevel][]);
    this.#position = { seq: Number(row?.[0]), freeText: row?.[1] === true, levels };
  }

  /** A seq below the bound is committed, or will never be: rule 1. */
  async #findBound(): Promise<void> {
    const { reader, quoted, follow } = this.#options;
    const { asked } = follow;
    const [row] = await reader.ask(`SELECT ended, last, under_way::text FROM ${quoted}.search_bound($1::xid8[])`, [
      asked?.underWay ?? '{}',
    ]);
    const [ended, last, underWay] = [row?.[0] === true, Number(row?.[1]), String(row?.[2])];
    if (asked && ended) follow.bound = Math.max(follow.bound, asked.last);
    if (underWay === '{}') follow.bound = Math.max(follow.bound, last);
    if (!asked || ended) follow.asked = underWay === '{}' ? undefined : { last, underWay };
  }

  /** The next messages up to the bound; undefined where there is none. */
  async #page(): Promise<{ readonly messages: readonly FeedMessage[]; readonly upTo: number } | undefined> {
    const { bound } = this.#options.follow;
    const next = await this.#reads.next(this.#channels, this.#position.seq);
    if (!next || next.seq > bound) return undefined;
    const rows = await this.#reads.between(this.#channels, next.seq, Math.min(bound, next.seq + pageSeqs - 1));
    let bytes = 0;
    const end = rows.findIndex((row) => (bytes += Number(row[4])) >= pageBytes);
    const page = end < 0 ? rows : rows.slice(0, end + 1);
    const upTo = Number(page.at(-1)?.[1] ?? next.seq);
    return { messages: await this.#reads.feed(page, true), upTo };
  }

  /** Indexes the rest of messages whose first pass has ended since they were. Resolves with how many. */
  async #indexEnded(): Promise<number> {
    const { writer, reader, quoted, follow } = this.#options;
    const rows = await writer.ask(
      `SELECT o.seq, o.channel, o.with_content,
         EXISTS (SELECT FROM ${quoted}.arrived a WHERE a.channel = o.channel AND a.last >= o.seq AND a.first <= o.seq)
           AND NOT EXISTS (SELECT FROM ${quoted}.settlement s WHERE s.seq = o.seq)
       FROM (SELECT * FROM ${quoted}.search_open WHERE seq > $1 ORDER BY seq LIMIT ${openLooked}) o ORDER BY o.seq`,
      [follow.openAt],
    );
    const ended = rows.filter(([, , , open]) => open === false).slice(0, openIndexed);
    const last = ended.length === openIndexed ? ended.at(-1) : rows.length === openLooked ? rows.at(-1) : undefined;
    follow.openAt = Number(last?.[0] ?? 0);
    if (ended.length === 0) return 0;
    const refs = ended.map(([seq, channel]) => ({ seq: Number(seq), channel: Number(channel) }));
    const found = await inSnapshot(reader, () => this.#reads.messages(refs, true));
    const before = new Map(ended.map(([seq, , withContent]) => [Number(seq), { withContent: withContent === true }]));
    const gone = new Set(before.keys());
    for (const { seq } of found) gone.delete(seq);
    await this.#write(
      found.map((message) => ({ message, before: before.get(message.seq) })),
      [...gone],
    );
    return ended.length;
  }

  /** Hands the rows to the database, and does not wait until it has them: it works while the next page is read. */
  async #write(
    messages: readonly {
      readonly message: FeedMessage;
      readonly before?: { readonly withContent: boolean } | undefined;
    }[],
    gone: readonly number[] = [],
  ): Promise<void> {
    const { writer, quoted, extractor, follow } = this.#options;
    const { levels, freeText } = this.#position;
    const rows = new PageRows(quoted, extractor, levels, freeText);
    for (const { message, before } of messages) rows.add(message, before);
    for (const seq of gone) rows.forget(seq);
    follow.unread += rows.unread;
    await this.#written;
    await this.#ensure(rows.slots);
    const statements = rows.statements();
    if (statements.length === 0) return;
    this.#written = writer.run(statements);
    this.#written.catch(() => undefined);
  }

  async #ensure(slots: readonly number[]): Promise<void> {
    const { writer, quoted } = this.#options;
    const unknown = slots.filter((slot) => !this.#slots.has(slot));
    if (unknown.length === 0) return;
    const rows = await writer.ask(
      `SELECT slot FROM ${quoted}.search_slot WHERE slot = ANY(${numbers(unknown, 'int8')})`,
    );
    for (const [slot] of rows) this.#slots.add(Number(slot));
    for (const slot of unknown) {
      if (this.#slots.has(slot)) continue;
      await writer.run(searchPartitionStatements(quoted, slot).map((text) => ({ text })));
      this.#slots.add(slot);
    }
  }
}

/** A message, its settlement and its content as they were at one moment. */
async function inSnapshot<T>(session: PostgresSession, read: () => Promise<T>): Promise<T> {
  await session.run([{ text: 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY' }]);
  try {
    const result = await read();
    await session.run([{ text: 'COMMIT' }]);
    return result;
  } catch (thrown) {
    if (session.usable) await session.run([{ text: 'ROLLBACK' }]);
    throw thrown;
  }
}
