import { numbers, texts } from '../../../../clients/postgres/quote.ts';
import type { PostgresSession, Value } from '../../../../clients/postgres/session.ts';
import { noMeta } from '../../../../core/format.ts';
import type { FeedMessage, FeedPart, MessageRef } from '../../../../core/search/feed.ts';
import type { StoreReads } from '../../../../core/search/finder.ts';
import type { MessageSummary } from '../../../../core/store/message-store.ts';
import { unpackContents } from '../../../../core/store/packed-contents.ts';
import { contentLevels } from '../../../../core/store/shape.ts';
import { isUuid } from '../../../../core/store/uuid.ts';
import type { Names } from '../names.ts';
import { metaOf } from '../queue.ts';
import { slotSpan } from '../schema.ts';
import { messageColumns, shapeOf, summaries } from '../summaries.ts';

type Row = readonly Value[];
type Ask = Pick<PostgresSession, 'ask'>;

const replaysOfOne = 100;
/** After those of `messageColumns`. */
const columns = `${messageColumns}, m.key, s.keep`;
const keyAt = 20;
const keepAt = 21;

/** What of the store's tables the index, and a search, read. */
export class PostgresReads implements StoreReads {
  readonly #session: Ask;
  readonly #quoted: string;
  readonly #names: Names;

  constructor(session: Ask, quoted: string, names: Names) {
    this.#session = session;
    this.#quoted = quoted;
    this.#names = names;
  }

  async channel(name: string): Promise<number | undefined> {
    const number = this.#names.known(name);
    return number === 0 ? undefined : number;
  }

  async refs(ids: readonly string[]): Promise<readonly MessageRef[]> {
    const known = ids.filter(isUuid);
    if (known.length === 0) return [];
    const rows = await this.#session.ask(
      `SELECT seq, channel FROM ${this.#quoted}.message WHERE id = ANY(${texts(known)}::uuid[]) ORDER BY seq`,
    );
    return rows.map(refOf);
  }

  async replaysOf(ids: readonly string[]): Promise<readonly MessageRef[]> {
    const known = ids.filter(isUuid);
    if (known.length === 0) return [];
    const rows = await this.#session.ask(
      `SELECT r.seq, r.channel FROM unnest(${texts(known)}::uuid[]) i CROSS JOIN LATERAL (
         SELECT seq, channel FROM ${this.#quoted}.message WHERE replay_of = i ORDER BY seq LIMIT ${replaysOfOne}) r ORDER BY r.seq`,
    );
    return rows.map(refOf);
  }

  async messages(refs: readonly MessageRef[], withContent: boolean): Promise<readonly FeedMessage[]> {
    return await this.feed(await this.#rows(refs), withContent);
  }

  async summaries(refs: readonly MessageRef[]): Promise<readonly MessageSummary[]> {
    return await summaries(this.#session, this.#quoted, this.#names, await this.#rows(refs));
  }

  /** Rows of messages with their settlements between two seqs, both inclusive, in order. */
  async between(channels: readonly number[], first: number, last: number): Promise<readonly Row[]> {
    const rows = await this.#session.ask(
      `SELECT ${columns} FROM ${this.#quoted}.message m
       LEFT JOIN ${this.#quoted}.settlement s ON s.seq = m.seq AND s.seq BETWEEN ${first} AND ${last}
       WHERE m.channel = ANY(${numbers(channels, 'int4')}) AND m.seq BETWEEN ${first} AND ${last}`,
    );
    return await this.#known(rows.toSorted((a, b) => Number(a[1]) - Number(b[1])));
  }

  /** The first message above a seq. */
  async next(channels: readonly number[], after: number): Promise<{ seq: number; receivedAt: number } | undefined> {
    const [row] = await this.#session.ask(
      `SELECT f.seq, f.received_at FROM unnest(${numbers(channels, 'int4')}) c CROSS JOIN LATERAL (
         SELECT seq, received_at FROM ${this.#quoted}.message m WHERE m.channel = c AND m.seq > ${after} ORDER BY m.seq LIMIT 1) f
       ORDER BY f.seq LIMIT 1`,
    );
    return row && { seq: Number(row[0]), receivedAt: Number(row[1]) };
  }

  async channels(): Promise<readonly number[]> {
    const rows = await this.#session.ask(`SELECT DISTINCT channel FROM ${this.#quoted}.counter WHERE destination = 0`);
    return rows.map(([channel]) => Number(channel));
  }

  /** Messages of rows of `between`. */
  async feed(rows: readonly Row[], withContent: boolean): Promise<readonly FeedMessage[]> {
    const seqs = rows.map((row) => Number(row[1]));
    const none: Contents = { raws: new Map(), packed: new Map(), later: new Map() };
    const contents = withContent && rows.length > 0 ? await this.#contents(seqs) : none;
    return rows.map((row) => this.#message(row, contents));
  }

  /** In the order of the refs. */
  async #rows(refs: readonly MessageRef[]): Promise<readonly Row[]> {
    if (refs.length === 0) return [];
    const channels = numbers([...new Set(refs.map(({ channel }) => channel))], 'int4');
    const rows: Row[] = [];
    // Seqs of one partition at a time: the others are not looked at.
    for (const seqs of bySlot(refs.map(({ seq }) => seq))) {
      const all = numbers(seqs, 'int8');
      const range = `BETWEEN ${Math.min(...seqs)} AND ${Math.max(...seqs)}`;
      rows.push(
        ...(await this.#session.ask(
          `SELECT ${columns} FROM ${this.#quoted}.message m
           LEFT JOIN ${this.#quoted}.settlement s ON s.seq = m.seq AND s.seq ${range}
           WHERE m.channel = ANY(${channels}) AND m.seq = ANY(${all}) AND m.seq ${range}`,
        )),
      );
    }
    const found = new Map(rows.map((row) => [Number(row[1]), row]));
    const inOrder = [...new Set(refs.map(({ seq }) => seq))].map((seq) => found.get(seq));
    return await this.#known(inOrder.filter((row) => row !== undefined));
  }

  /** Words that other hubs have stored since are read before they are needed. */
  async #known(rows: readonly Row[]): Promise<readonly Row[]> {
    for (const row of rows) this.#words(row);
    if (this.#names.unread) await this.#names.read(this.#session);
    return rows;
  }

  #words(row: Row): void {
    const shape = shapeOf(row);
    for (const id of [row[0], row[5], row[10], row[16]]) if (typeof id === 'number') this.#names.text(id);
    for (const { destination } of shape === undefined ? [] : this.#names.shape(shape)) this.#names.text(destination);
  }

  async #contents(seqs: readonly number[]): Promise<Contents> {
    const raws = new Map<number, Uint8Array>();
    const packed = new Map<number, Uint8Array>();
    const later = new Map<number, Row[]>();
    for (const some of bySlot(seqs)) {
      const those = `seq = ANY(${numbers(some, 'int8')}) AND seq BETWEEN ${Math.min(...some)} AND ${Math.max(...some)}`;
      const of = (table: string, values: string) =>
        this.#session.ask(`SELECT ${values} FROM ${this.#quoted}.${table} WHERE ${those}`);
      for (const [seq, bytes] of await of('raw', 'seq, bytes')) raws.set(Number(seq), bytes as Uint8Array);
      for (const [seq, bytes] of await of('contents', 'seq, packed')) packed.set(Number(seq), bytes as Uint8Array);
      for (const row of await of('part_content', 'seq, destination, n, bytes, reply')) {
        const seq = Number(row[0]);
        later.set(seq, [...(later.get(seq) ?? []), row]);
      }
    }
    return { raws, packed, later };
  }

  #message(row: Row, contents: Contents): FeedMessage {
    const [channel, seqOf, idOf, receivedAt, , fields, meta] = row;
    const seq = Number(seqOf);
    const id = String(idOf);
    const raw = contents.raws.get(seq);
    const isSettled = row[9] !== null;
    const level = row[10] === null || row[keepAt] == null ? undefined : contentLevels[Number(row[keepAt])];
    const both = {
      ...metaOf(this.#names, fields ?? null, meta ?? null),
      ...metaOf(this.#names, row[16] ?? null, row[17] ?? null),
    };
    return {
      ...{ seq, channel: Number(channel), id, receivedAt: Number(receivedAt) },
      meta: Object.keys(both).length === 0 ? noMeta : both,
      ...(row[keyAt] == null ? {} : { key: String(row[keyAt]) }),
      ...(raw ? { raw } : {}),
      ...(isSettled ? { settled: { ...(level && { level }), parts: this.#parts(row, id, contents) } } : {}),
    };
  }

  #parts(row: Row, id: string, { packed, later }: Contents): readonly FeedPart[] {
    const shape = shapeOf(row);
    if (shape === undefined) return [];
    const seq = Number(row[1]);
    const bytesOf = packed.get(seq);
    const first = bytesOf ? unpackContents(bytesOf) : [];
    const parts: FeedPart[] = [];
    for (const [place, { destination, n, status }] of this.#names.shape(shape).entries()) {
      if (status === 'filtered') continue;
      const name = this.#names.text(destination);
      const part = { destination: name, n, effectId: `${id}/${name}/${n}` };
      const own = later.get(seq)?.find((each) => Number(each[1]) === destination && Number(each[2]) === n);
      const [bytes, reply] =
        status === 'sent'
          ? [first.find((each) => each.place === place)?.bytes, first.find((each) => each.place === place)?.reply]
          : [own?.[3] as Uint8Array | null | undefined, own?.[4] as Uint8Array | null | undefined];
      parts.push({ ...part, ...(bytes ? { bytes } : {}), ...(reply ? { reply } : {}) });
    }
    return parts;
  }
}

interface Contents {
  readonly raws: ReadonlyMap<number, Uint8Array>;
  readonly packed: ReadonlyMap<number, Uint8Array>;
  readonly later: ReadonlyMap<number, readonly Row[]>;
}

function refOf([seq, channel]: Row): MessageRef {
  return { seq: Number(seq), channel: Number(channel) };
}

function bySlot(seqs: readonly number[]): Iterable<readonly number[]> {
  return Map.groupBy(seqs, (seq) => Math.floor(seq / slotSpan)).values();
}
