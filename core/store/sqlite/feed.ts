import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Meta, noMeta } from '../../format.ts';
import type { Feed, FeedMessage, FeedPage, FeedPart, MessageRef } from '../../search/feed.ts';
import type { MessageSummary } from '../message-store.ts';
import { metaFromColumns } from '../meta-columns.ts';
import { unpackContents } from '../packed-contents.ts';
import { contentLevels } from '../shape.ts';
import { isUuid, uuidBytes, uuidText } from '../uuid.ts';
import { type MessageRow, messageColumns, messageTables, Summaries } from './summaries.ts';
import { Texts } from './texts.ts';
import { TimeRange } from './time-range.ts';

type Statement = ReturnType<DatabaseSync['prepare']>;

/** Of a message and its settlement what the index asks for; the names are those of `MessageRow`. */
type Row = Pick<
  MessageRow,
  | 'seq'
  | 'channel'
  | 'id'
  | 'received_at'
  | 'meta_fields'
  | 'meta'
  | 'settled'
  | 'version'
  | 'shape'
  | 'settled_fields'
  | 'settled_meta'
> & { readonly key: string | null; readonly keep: number | null };

interface ContentRow {
  readonly destination: number;
  readonly n: number;
  readonly bytes: Uint8Array | null;
  readonly reply: Uint8Array | null;
}

const columns = `m.seq, m.channel, m.id, m.received_at, m.meta_fields, m.meta, m.key, s.seq AS settled, s.version, s.keep, s.shape,
  s.meta_fields AS settled_fields, s.meta AS settled_meta`;

/** Reads the store in `directory` as the search index wants it. For another thread than the store's own; it must be open. */
export function sqliteFeed({ directory }: { readonly directory: string }): Feed {
  return new SqliteFeed(join(directory, 'messages.db'));
}

class SqliteFeed implements Feed {
  readonly storeId: string;
  readonly epoch: number;
  readonly #db: DatabaseSync;
  readonly #texts: Texts;
  readonly #summaries: Summaries;
  readonly #times: TimeRange;
  readonly #channels: Statement;
  readonly #within: Statement;
  readonly #following: Statement;
  readonly #one: Statement;
  readonly #summary: Statement;
  readonly #byId: Statement;
  readonly #replays: Statement;
  readonly #unrouted: Statement;
  readonly #raw: Statement;
  readonly #contents: Statement;
  readonly #partContents: Statement;
  readonly #leftMessages: Statement;
  readonly #leftContents: Statement;
  readonly #version: Statement;
  /** Nothing came after this seq up to this version of the database. */
  #nothingNew = { after: -1, version: -1 };

  constructor(file: string) {
    const db = new DatabaseSync(file, { readOnly: true });
    db.exec('PRAGMA cache_size = -4096; PRAGMA temp_store = MEMORY');
    this.#db = db;
    this.#texts = new Texts(db);
    this.#summaries = new Summaries(db, this.#texts);
    this.#times = new TimeRange(db);
    this.#channels = db.prepare('SELECT channel FROM counter WHERE destination = 0');
    const ofChannel = `SELECT ${columns} FROM ${messageTables} WHERE m.channel = ? AND`;
    this.#within = db.prepare(`${ofChannel} m.seq BETWEEN ? AND ? ORDER BY m.seq`);
    this.#one = db.prepare(`${ofChannel} m.seq = ?`);
    this.#summary = db.prepare(`SELECT ${messageColumns} FROM ${messageTables} WHERE m.channel = ? AND m.seq = ?`);
    this.#following = db.prepare('SELECT seq FROM message WHERE channel = ? AND seq > ? ORDER BY seq LIMIT 1');
    this.#byId = db.prepare('SELECT seq, channel FROM message WHERE id = ?');
    this.#replays = db.prepare('SELECT seq, channel FROM message WHERE replay_of = ? ORDER BY seq LIMIT 100');
    this.#unrouted = db.prepare('SELECT 1 FROM unrouted WHERE channel = ? AND seq = ?');
    this.#raw = db.prepare('SELECT bytes FROM raw WHERE seq = ?');
    this.#contents = db.prepare('SELECT packed FROM contents WHERE seq = ?');
    this.#partContents = db.prepare(
      'SELECT p.destination, p.n, c.bytes, c.reply FROM part p LEFT JOIN part_content c ON c.part = p.id WHERE p.seq = ?',
    );
    this.#leftMessages = db.prepare(
      'SELECT count(*) AS left FROM (SELECT 1 FROM message WHERE channel = ? AND seq BETWEEN ? AND ? LIMIT ?)',
    );
    this.#leftContents = db.prepare(
      'SELECT count(*) AS left FROM (SELECT 1 FROM raw WHERE seq BETWEEN ? AND ? LIMIT ?)',
    );
    this.#version = db.prepare('PRAGMA data_version');
    const made = db.prepare('SELECT at FROM schema_version WHERE version = 1').get() as { at: number };
    this.storeId = String(made.at);
    this.epoch = (db.prepare('SELECT epoch FROM hub').get() as { epoch: number }).epoch;
  }

  get last(): number {
    const highest = this.#db.prepare(
      'SELECT seq_floor AS seq FROM hub UNION ALL SELECT max(seq) FROM message WHERE channel = ?',
    );
    const seqs = [0, ...this.#channelNumbers()].flatMap(
      (channel) => highest.all(channel) as unknown as { seq: number | null }[],
    );
    return seqs.reduce((last, { seq }) => Math.max(last, seq ?? 0), 0);
  }

  after(after: number, limit: number, maxBytes: number): FeedPage {
    const version = (this.#version.get() as { data_version: number }).data_version;
    if (version === this.#nothingNew.version && after === this.#nothingNew.after)
      return { messages: [], upTo: after, more: false };
    // One snapshot: what is committed while the channels are read one by one is left for the next page.
    const page = this.#snapshot(() => this.#page(after, limit, maxBytes));
    if (page.upTo === after) this.#nothingNew = { after, version };
    return page;
  }

  #page(after: number, limit: number, maxBytes: number): FeedPage {
    const channels = this.#channelNumbers();
    let next = Number.POSITIVE_INFINITY;
    for (const channel of channels) {
      const row = this.#following.get(channel, after) as { seq: number } | undefined;
      if (row && row.seq < next) next = row.seq;
    }
    if (!Number.isFinite(next)) return { messages: [], upTo: after, more: false };
    // Seqs are those of the whole store: so many of them are at most so many messages.
    const rows = channels.flatMap((channel) => this.#within.all(channel, next, next + limit - 1) as unknown as Row[]);
    rows.sort((a, b) => a.seq - b.seq);
    const messages: FeedMessage[] = [];
    let bytes = 0;
    for (const row of rows) {
      const message = this.#messageOf(row);
      messages.push(message);
      bytes += message.raw?.length ?? 0;
      for (const part of message.settled?.parts ?? []) bytes += (part.bytes?.length ?? 0) + (part.reply?.length ?? 0);
      if (bytes >= maxBytes) break;
    }
    return { messages, upTo: messages.at(-1)!.seq, more: messages.length < rows.length || rows.length * 2 > limit };
  }

  isOpen({ seq, channel }: MessageRef): boolean {
    return this.#unrouted.get(channel, seq) !== undefined;
  }

  message(ref: MessageRef): FeedMessage | undefined {
    const row = this.#row(ref);
    return row && this.#messageOf(row);
  }

  summary({ seq, channel }: MessageRef): MessageSummary | undefined {
    const row = this.#summary.get(channel, seq) as unknown as MessageRow | undefined;
    return row && this.#summaries.of(row);
  }

  ref(id: string): MessageRef | undefined {
    return isUuid(id) ? (this.#byId.get(uuidBytes(id)) as unknown as MessageRef | undefined) : undefined;
  }

  replaysOf(id: string): readonly MessageRef[] {
    return isUuid(id) ? (this.#replays.all(uuidBytes(id)) as unknown as MessageRef[]) : [];
  }

  channel(name: string): number | undefined {
    const number = this.#texts.id(name);
    return number === 0 ? undefined : number;
  }

  range(from: number, to: number): { readonly first: number; readonly last: number } | undefined {
    return this.#snapshot(() => {
      let first = Number.POSITIVE_INFINITY;
      let last = 0;
      for (const channel of this.#channelNumbers()) {
        const range = this.#times.range(channel, from, to);
        if (range.last === 0) continue;
        first = Math.min(first, range.first);
        last = Math.max(last, range.last);
      }
      return first <= last ? { first, last } : undefined;
    });
  }

  left(first: number, last: number, atMost: number): { readonly messages: number; readonly contents: number } {
    let messages = 0;
    for (const channel of this.#channelNumbers()) {
      const row = this.#leftMessages.get(channel, first, last, atMost) as { left: number };
      messages = Math.min(atMost, messages + row.left);
    }
    return { messages, contents: (this.#leftContents.get(first, last, atMost) as { left: number }).left };
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }

  #snapshot<T>(read: () => T): T {
    this.#db.exec('BEGIN');
    try {
      return read();
    } finally {
      this.#db.exec('COMMIT');
    }
  }

  #channelNumbers(): readonly number[] {
    return (this.#channels.all() as unknown as { channel: number }[]).map(({ channel }) => channel);
  }

  #row({ seq, channel }: MessageRef): Row | undefined {
    return this.#one.get(channel, seq) as unknown as Row | undefined;
  }

  #messageOf(row: Row): FeedMessage {
    const { seq, channel, received_at: receivedAt, key } = row;
    const raw = this.#raw.get(seq) as { bytes: Uint8Array } | undefined;
    const level = row.version === null || row.keep === null ? undefined : contentLevels[row.keep];
    const id = uuidText(row.id);
    return {
      seq,
      channel,
      id,
      receivedAt,
      meta: this.#metaOf(row),
      ...(key === null ? {} : { key }),
      ...(raw ? { raw: raw.bytes } : {}),
      ...(row.settled === null ? {} : { settled: { ...(level && { level }), parts: this.#partsOf(row, id) } }),
    };
  }

  #metaOf(row: Row): Meta {
    const received = this.#meta(row.meta_fields, row.meta);
    const settled = this.#meta(row.settled_fields, row.settled_meta);
    return received && settled ? { ...received, ...settled } : (received ?? settled ?? noMeta);
  }

  #meta(fields: number | null, values: string | null) {
    return values === null
      ? undefined
      : metaFromColumns(fields === null ? undefined : this.#texts.text(fields), values);
  }

  #partsOf(row: Row, id: string): readonly FeedPart[] {
    if (row.shape === null) return [];
    const shape = this.#texts.shape(row.shape);
    const packed = this.#contents.get(row.seq) as { packed: Uint8Array } | undefined;
    const contents = packed ? unpackContents(packed.packed) : [];
    let details: readonly ContentRow[] | undefined;
    const parts: FeedPart[] = [];
    for (const [place, { destination, n, status }] of shape.entries()) {
      if (status === 'filtered') continue;
      const name = this.#texts.text(destination);
      const part = { destination: name, n, effectId: `${id}/${name}/${n}` };
      if (status === 'sent') {
        const { bytes, reply } = contents.find((each) => each.place === place) ?? {};
        parts.push({ ...part, ...(bytes && { bytes }), ...(reply && { reply }) });
        continue;
      }
      details ??= this.#partContents.all(row.seq) as unknown as ContentRow[];
      const own = details.find((each) => each.destination === destination && each.n === n);
      parts.push({ ...part, ...(own?.bytes && { bytes: own.bytes }), ...(own?.reply && { reply: own.reply }) });
    }
    return parts;
  }
}
