import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { ContentLevel } from '../../store/message-store.ts';
import type { Feed } from '../feed.ts';

type Statement = ReturnType<DatabaseSync['prepare']>;

/**
 * How far a day's file can be believed. `sure`: it is on the disk. `unsure`: it has been written to, and the operating system has
 * not been asked to put it on the disk; after a power failure it is worth nothing, after a crash of the process everything.
 * `rebuilding`: it is not whole yet.
 */
export type DayState = 'sure' | 'unsure' | 'rebuilding';

export interface DayRow {
  readonly day: string;
  readonly first: number;
  readonly last: number;
  readonly messages: number;
  readonly state: DayState;
}

/** A message that was indexed before its first pass ended. */
export interface OpenMessage {
  readonly channel: number;
  /** Whether its content was looked at, or only its meta. */
  readonly withContent: boolean;
}

export interface Position {
  /** Every message up to this seq is in the files. */
  readonly stored: number;
  readonly open: ReadonlyMap<number, OpenMessage>;
  /** The content level that a settlement of each channel last had. */
  readonly levels: ReadonlyMap<number, ContentLevel>;
}

const format = 1;

/**
 * Where the index has come to, and how its files stand: the one file here that is written with fsync, about twice a minute under
 * load. It is ahead of no file of a day: what it does not say was indexed is indexed again.
 */
export class PositionFile implements Disposable {
  readonly #db: DatabaseSync;
  readonly #setPosition: Statement;
  readonly #setDay: Statement;
  readonly #setState: Statement;
  readonly #dropDay: Statement;
  readonly #days: Statement;

  /** Throws what SQLite throws for a file that cannot be read. */
  constructor(directory: string) {
    const db = new DatabaseSync(join(directory, 'position.db'));
    this.#db = db;
    db.exec('PRAGMA synchronous = FULL');
    db.exec(`
      CREATE TABLE IF NOT EXISTS position (
        one INTEGER PRIMARY KEY CHECK (one = 1), format INTEGER, store TEXT, epoch INTEGER, boot TEXT, stored INTEGER, open BLOB, levels TEXT
      );
      CREATE TABLE IF NOT EXISTS day (day TEXT PRIMARY KEY, first INTEGER, last INTEGER, messages INTEGER, state TEXT)
    `);
    this.#setPosition = db.prepare('UPDATE position SET stored = ?, open = ?, levels = ?');
    this.#setDay = db.prepare('INSERT OR REPLACE INTO day VALUES (?, ?, ?, ?, ?)');
    this.#setState = db.prepare('UPDATE day SET state = ? WHERE day = ?');
    this.#dropDay = db.prepare('DELETE FROM day WHERE day = ?');
    this.#days = db.prepare('SELECT * FROM day ORDER BY day');
  }

  /**
   * Opens it for an index of this store. Undefined where it is new, of another format, of another store, or ahead of this one, as after a
   * backup was put back: then no file is worth anything. `restarted`: the machine has started anew since it was last open.
   */
  begin({ storeId, epoch, last }: Feed): (Position & { readonly restarted: boolean }) | undefined {
    const row = this.#db
      .prepare('SELECT * FROM position WHERE format = ? AND store = ? AND epoch <= ? AND stored <= ?')
      .get(format, storeId, epoch, last) as
      | { boot: string; stored: number; open: Uint8Array; levels: string }
      | undefined;
    if (!row) {
      this.#db.exec('DELETE FROM position; DELETE FROM day');
      this.#db
        .prepare('INSERT INTO position VALUES (1, ?, ?, ?, ?, 0, ?, ?)')
        .run(format, storeId, epoch, '', new Uint8Array(0), '[]');
      return undefined;
    }
    const boot = bootId();
    return {
      stored: row.stored,
      open: decodeOpen(row.open),
      levels: new Map(JSON.parse(row.levels) as [number, ContentLevel][]),
      restarted: boot === '' || row.boot !== boot,
    };
  }

  /** What `begin` said of a restart has been acted on. */
  begun({ epoch }: Feed): void {
    this.#db.prepare('UPDATE position SET boot = ?, epoch = ?').run(bootId(), epoch);
  }

  days(): readonly DayRow[] {
    return this.#days.all() as unknown as DayRow[];
  }

  setState(day: string, state: DayState): void {
    this.#setState.run(state, day);
  }

  setDay({ day, first, last, messages, state }: DayRow): void {
    this.#setDay.run(day, first, last, messages, state);
  }

  dropDay(day: string): void {
    this.#dropDay.run(day);
  }

  /** All of it or nothing. */
  set({ stored, open, levels }: Position, days: Iterable<DayRow>): void {
    this.#db.exec('BEGIN');
    for (const day of days) this.setDay(day);
    this.#setPosition.run(stored, encodeOpen(open), JSON.stringify([...levels]));
    this.#db.exec('COMMIT');
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }
}

/** Of this start of the machine; empty where it does not tell. */
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

function encodeOpen(open: ReadonlyMap<number, OpenMessage>): Uint8Array {
  const numbers = new Float64Array(open.size * 3);
  let at = 0;
  for (const [seq, { channel, withContent }] of open) {
    numbers[at++] = seq;
    numbers[at++] = channel;
    numbers[at++] = withContent ? 1 : 0;
  }
  return new Uint8Array(numbers.buffer);
}

function decodeOpen(bytes: Uint8Array): Map<number, OpenMessage> {
  const numbers = new Float64Array(bytes.slice().buffer);
  const open = new Map<number, OpenMessage>();
  for (let at = 0; at < numbers.length; at += 3)
    open.set(numbers[at]!, { channel: numbers[at + 1]!, withContent: numbers[at + 2] === 1 });
  return open;
}
