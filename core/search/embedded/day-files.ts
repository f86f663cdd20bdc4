import { closeSync, existsSync, fsyncSync, openSync, readdirSync, readSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { MessageRef } from '../feed.ts';
import { originTerms } from '../normalise.ts';
import { DamagedFile, isDamage, withFile } from './damage.ts';

type Statement = ReturnType<DatabaseSync['prepare']>;

interface OpenFile {
  readonly db: DatabaseSync;
  readonly segments: readonly Segment[];
}

interface Segment {
  readonly find: Statement;
  readonly findIn: Statement;
  /** Whether any message of it came from another one of ours: most hospitals have none, and need not look. */
  readonly hasOrigins: boolean;
}

/** Open at once at the most: about 5 file handles and 100 KB each. */
const mostOpen = 100;

/**
 * The files of the index, one a day, each a row of segments: sorted tables of (term, seq, channel), written once and never changed.
 * Writing rows where they belong in one large table would touch a page for nearly every row, 60 MB/s at 2,000 messages a second; a
 * segment of 400,000 rows is 11 MB at the end of the file, copied in 45 ms, and looking into it takes 8 µs.
 */
export class DayFiles implements Disposable {
  readonly #directory: string;
  readonly #open = new Map<string, OpenFile>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Days that have a file. */
  days(): readonly string[] {
    return readdirSync(this.#directory)
      .flatMap((name) => /^(\d{4}-\d\d-\d\d)\.db$/.exec(name)?.[1] ?? [])
      .sort();
  }

  has(day: string): boolean {
    return this.#open.has(day) || existsSync(this.#path(day));
  }

  /** Adds the rows of `table` of the database `memory` as one more segment. All or nothing, unless the machine stops. */
  write(day: string, memory: DatabaseSync, table: string): void {
    withFile(day, () => this.#write(day, memory, table));
  }

  #write(day: string, memory: DatabaseSync, table: string): void {
    this.#close(day);
    memory.prepare('ATTACH ? AS day').run(this.#path(day));
    try {
      memory.exec('PRAGMA day.synchronous = OFF');
      const number = 1 + segmentsOf(memory, 'day.').length;
      memory.exec(`BEGIN; CREATE TABLE day.segment_${number} ${segmentColumns};
        INSERT INTO day.segment_${number} SELECT * FROM main."${table}"; COMMIT`);
    } finally {
      if (memory.isTransaction) memory.exec('ROLLBACK');
      memory.exec('DETACH day');
    }
  }

  /** Places of a term below seq `before`, newest first, at most `limit`. */
  find(day: string, term: string, channel: number | undefined, before: number, limit: number): readonly MessageRef[] {
    return withFile(day, () => this.#find(day, term, channel, before, limit));
  }

  #find(day: string, term: string, channel: number | undefined, before: number, limit: number): readonly MessageRef[] {
    const { segments } = this.#file(day);
    const found = new Map<number, MessageRef>();
    const ofOrigin = term.startsWith(originTerms.from);
    for (const { find, findIn, hasOrigins } of segments) {
      if (ofOrigin && !hasOrigins) continue;
      const rows = channel === undefined ? find.all(term, before, limit) : findIn.all(term, before, channel, limit);
      for (const row of rows as unknown as MessageRef[]) found.set(row.seq, row);
    }
    return [...found.values()].sort((a, b) => b.seq - a.seq).slice(0, limit);
  }

  /**
   * Whether the file is as long as it says: one that was cut off is found so without reading it. What a writing that was interrupted
   * left behind is taken back first.
   */
  isWhole(day: string): boolean {
    const path = this.#path(day);
    if (existsSync(path) && existsSync(`${path}-journal`)) takeBack(path);
    const size = statSync(path, { throwIfNoEntry: false })?.size;
    if (size === undefined || size < 100) return false;
    const header = Buffer.alloc(100);
    const file = openSync(path, 'r');
    readSync(file, header, 0, 100, 0);
    closeSync(file);
    // SQLite file format §1.3: page size at 16, pages at 28.
    const pageSize = header.readUInt16BE(16);
    return header.toString('latin1', 0, 15) === 'SQLite format 3' && size === pageSize * header.readUInt32BE(28);
  }

  /** Resolves when the file is on the disk. */
  sync(day: string): void {
    const file = openSync(this.#path(day), 'r');
    fsyncSync(file);
    closeSync(file);
  }

  remove(day: string): void {
    this.#close(day);
    for (const suffix of ['', '-journal']) rmSync(`${this.#path(day)}${suffix}`, { force: true });
  }

  bytes(): number {
    return this.days().reduce((sum, day) => sum + (statSync(this.#path(day), { throwIfNoEntry: false })?.size ?? 0), 0);
  }

  [Symbol.dispose](): void {
    for (const day of [...this.#open.keys()]) this.#close(day);
  }

  #path(day: string): string {
    return join(this.#directory, `${day}.db`);
  }

  #file(day: string): OpenFile {
    let file = this.#open.get(day);
    if (file) {
      // The one that was used last is at the end.
      this.#open.delete(day);
    } else {
      const [oldest] = this.#open.keys();
      if (oldest !== undefined && this.#open.size >= mostOpen) this.#close(oldest);
      if (!this.isWhole(day)) throw new DamagedFile(day);
      file = openFile(this.#path(day));
    }
    this.#open.set(day, file);
    return file;
  }

  #close(day: string): void {
    this.#open.get(day)?.db.close();
    this.#open.delete(day);
  }
}

/** Of the tables that rows gather in, too: with the same columns SQLite copies them page by page. */
export const segmentColumns =
  '(term TEXT NOT NULL, seq INTEGER NOT NULL, channel INTEGER NOT NULL, PRIMARY KEY (term, seq)) WITHOUT ROWID';

function segmentsOf(db: DatabaseSync, schema = ''): readonly string[] {
  const rows = db.prepare(`SELECT name FROM ${schema}sqlite_schema WHERE name LIKE 'segment~_%' ESCAPE '~'`).all();
  return (rows as unknown as { name: string }[]).map(({ name }) => name);
}

function openFile(path: string): OpenFile {
  // Not read-only: only who may write can take back an interrupted writing.
  const db = new DatabaseSync(path);
  try {
    db.exec('PRAGMA cache_size = -100; PRAGMA synchronous = OFF');
    const segments = segmentsOf(db).map((name) => ({
      ...finding(db, name),
      hasOrigins:
        db
          .prepare(`SELECT 1 FROM ${name} WHERE term >= ? AND term < ? LIMIT 1`)
          .get(originTerms.from, originTerms.to) !== undefined,
    }));
    return { db, segments };
  } catch (thrown) {
    db.close();
    throw thrown;
  }
}

/** How places of a term are found in a table of such columns. */
export function finding(db: DatabaseSync, table: string): { readonly find: Statement; readonly findIn: Statement } {
  const select = `SELECT seq, channel FROM "${table}" WHERE term = ? AND seq < ?`;
  return {
    find: db.prepare(`${select} ORDER BY seq DESC LIMIT ?`),
    findIn: db.prepare(`${select} AND channel = ? ORDER BY seq DESC LIMIT ?`),
  };
}

/** Opening a file takes back what was being written when the process ended; a file that cannot be opened is found so later. */
function takeBack(path: string): void {
  try {
    openFile(path).db.close();
  } catch (thrown) {
    if (!isDamage(thrown)) throw thrown;
  }
}
