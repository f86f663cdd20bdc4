import type { DatabaseSync } from 'node:sqlite';
import type { DailyCounts, DailyQuery } from '../daily-counts.ts';
import type { Lane, LaneQuery } from '../lane.ts';
import type {
  AuditQuery,
  ChannelCounts,
  MessageContent,
  MessagePage,
  MessageQuery,
  StoredAuditEntry,
} from '../message-store.ts';
import type { OpenErrorPage, OpenErrorQuery } from '../open-error.ts';
import { unpackContents } from '../packed-contents.ts';
import { isUuid, uuidBytes } from '../uuid.ts';
import type { ReaderCalls } from './calls.ts';
import { DailyReader } from './daily-reader.ts';
import { Lanes } from './lanes.ts';
import { OpenErrors } from './open-errors.ts';
import { RawBytes } from './raw-bytes.ts';
import { Search } from './search.ts';
import { type MessageRow, messageColumns, messageTables, Summaries } from './summaries.ts';
import { Texts } from './texts.ts';

type Statement = ReturnType<DatabaseSync['prepare']>;

interface CounterRow {
  readonly channel: number;
  readonly destination: number;
  readonly received: number;
  readonly duplicates: number;
  readonly reused_keys: number;
  readonly unrouted: number;
  readonly filtered: number;
  readonly sent: number;
  readonly errored: number;
  readonly open_errors: number;
  readonly queued: number;
}

/** Reads of people and programs, on a connection of their own: the writer never waits for them. */
export class Reader implements Omit<ReaderCalls, 'open'> {
  readonly #texts: Texts;
  readonly #summaries: Summaries;
  readonly #search: Search;
  readonly #raw: RawBytes;
  readonly #daily: DailyReader;
  readonly #openErrors: OpenErrors;
  readonly #lanes: Lanes;
  readonly #message: Statement;
  readonly #contents: Statement;
  readonly #partContents: Statement;
  readonly #counters: Statement;
  readonly #trail: Statement;

  constructor(db: DatabaseSync) {
    this.#texts = new Texts(db);
    this.#summaries = new Summaries(db, this.#texts);
    this.#search = new Search(db, this.#texts, this.#summaries);
    this.#raw = new RawBytes(db);
    this.#daily = new DailyReader(db, this.#texts);
    this.#openErrors = new OpenErrors(db, this.#texts);
    this.#lanes = new Lanes(db, this.#texts);
    this.#message = db.prepare(`SELECT ${messageColumns} FROM ${messageTables} WHERE m.id = ?`);
    this.#contents = db.prepare('SELECT packed FROM contents WHERE seq = ?');
    this.#partContents = db.prepare(
      `SELECT p.destination, p.n, c.bytes, c.reply FROM part p JOIN part_content c ON c.part = p.id WHERE p.seq = ?`,
    );
    this.#counters = db.prepare('SELECT * FROM counter ORDER BY channel, destination');
    this.#trail = db.prepare(
      "SELECT * FROM audit WHERE n < ? AND (? = 0 OR (action <> 'find' AND action NOT LIKE 'read %')) ORDER BY n DESC LIMIT ?",
    );
  }

  find(query: MessageQuery): MessagePage {
    return this.#search.run(query);
  }

  content(id: string): MessageContent | undefined {
    const row = isUuid(id) ? (this.#message.get(uuidBytes(id)) as unknown as MessageRow | undefined) : undefined;
    if (!row) return undefined;
    const raw = this.#raw.of(row.seq, row.attached !== null);
    const packed = this.#contents.get(row.seq) as { packed: Uint8Array } | undefined;
    const places = this.#summaries.placesOf(row);
    const first = packed ? unpackContents(packed.packed) : [];
    const later = this.#partContents.all(row.seq) as unknown as PartContentRow[];
    return {
      ...this.#summaries.of(row),
      ...(raw ? { raw } : {}),
      contents: [
        ...first.map(({ place, ...content }) => ({ ...places[place]!, ...content })),
        ...later.map(({ destination, n, bytes, reply }) => ({
          destination: this.#texts.text(destination),
          n,
          ...(bytes === null ? {} : { bytes }),
          ...(reply === null ? {} : { reply }),
        })),
      ],
    };
  }

  counts(): readonly ChannelCounts[] {
    const rows = this.#counters.all() as unknown as CounterRow[];
    return rows
      .filter((row) => row.destination === 0)
      .map((row) => ({
        channel: this.#texts.text(row.channel),
        received: row.received,
        duplicates: row.duplicates,
        reusedKeys: row.reused_keys,
        filtered: row.filtered,
        errored: row.errored,
        openErrors: row.open_errors,
        unrouted: row.unrouted,
        destinations: rows
          .filter(({ channel, destination }) => channel === row.channel && destination !== 0)
          .map((part) => ({
            destination: this.#texts.text(part.destination),
            filtered: part.filtered,
            sent: part.sent,
            errored: part.errored,
            openErrors: part.open_errors,
            queued: part.queued,
          })),
      }));
  }

  dailyCounts(query: DailyQuery): readonly DailyCounts[] {
    return this.#daily.run(query);
  }

  openErrors(query: OpenErrorQuery): OpenErrorPage {
    return this.#openErrors.run(query);
  }

  lanes(query: LaneQuery): readonly Lane[] {
    return this.#lanes.run(query);
  }

  auditTrail({ limit, before = Number.MAX_SAFE_INTEGER, changes = false }: AuditQuery): readonly StoredAuditEntry[] {
    const rows = this.#trail.all(before, Number(changes), limit) as unknown as (StoredAuditEntry & {
      ticket: string | null;
    })[];
    return rows.map(({ ticket, ...entry }): StoredAuditEntry => ({ ...entry, ...(ticket === null ? {} : { ticket }) }));
  }
}

interface PartContentRow {
  readonly destination: number;
  readonly n: number;
  readonly bytes: Uint8Array | null;
  readonly reply: Uint8Array | null;
}
