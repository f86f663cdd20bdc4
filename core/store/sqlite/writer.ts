import type { MessagePort } from 'node:worker_threads';
import { LocalDays } from '../local-days.ts';
import type { StoreFiles, WriterBatch, WriterOpened } from './calls.ts';
import { type Answered, Commits } from './commit.ts';
import { Counters } from './counters.ts';
import { DailyCounters } from './daily-counters.ts';
import { checkpoint, lockDirectory, openForWriting } from './database.ts';
import { Room } from './room.ts';
import { migrate } from './schema.ts';
import { Session } from './session.ts';

/** Pages that a commit writes besides its content: the ends of tables and indexes. */
const pagesPerCommit = 8;
const page = 4096;

/** The one connection that writes, with what it holds open for as long as the store is. */
export class Writer {
  readonly opened: WriterOpened;
  readonly #files: StoreFiles;
  readonly #session: Session;
  readonly #room: Room;
  readonly #commits: Commits;
  readonly #lock: ReturnType<typeof lockDirectory>;
  readonly #checkpoints: MessagePort;
  #written = 0;
  #sinceRestart = 0;
  #requested = false;
  #deletedAt: number | undefined;

  /** Throws `store-locked` or `store-failed`. */
  constructor(files: StoreFiles, now: number, checkpoints: MessagePort) {
    this.#files = files;
    this.#checkpoints = checkpoints;
    this.#lock = lockDirectory(files.directory);
    const db = openForWriting(files.directory, files.maxDatabaseBytes);
    migrate(db, now);
    const hub = db.prepare('UPDATE hub SET epoch = epoch + 1 RETURNING epoch, seq_floor').get() as {
      epoch: number;
      seq_floor: number;
    };
    const last = db
      .prepare(
        'SELECT max(seq) AS seq FROM (SELECT max(seq) AS seq FROM raw UNION ALL SELECT max(seq) FROM settlement)',
      )
      .get() as { seq: number | null };
    const backlog = db.prepare('SELECT sum(backlog) AS bytes FROM counter').get() as { bytes: number | null };
    const rows = db.prepare('SELECT id, text FROM name').all() as unknown as { id: number; text: string }[];
    const names = rows.map(({ id, text }) => [id, text] as const);
    const counters = new Counters(db);
    const freePages = db.prepare('PRAGMA freelist_count');
    this.opened = { epoch: hub.epoch, names };
    this.#room = new Room(
      files,
      counters,
      backlog.bytes ?? 0,
      () => (freePages.get() as { freelist_count: number }).freelist_count,
    );
    const daily = new DailyCounters(db, new LocalDays(files.timeZone));
    this.#session = new Session(db, counters, daily, Math.max(hub.seq_floor, last.seq ?? 0) + 1, names);
    this.#commits = new Commits(this.#session, this.#room, { restart: (mode) => this.#restartLog(mode) });
    checkpoints.on('message', () => this.#passed());
  }

  run(batches: readonly WriterBatch[]): Answered {
    const reply = this.#commits.run(batches);
    let bytes = 0;
    for (const batch of batches) bytes += batch.slab.byteLength;
    this.#written += bytes + pagesPerCommit * page;
    if (this.#session.contentDeleted) {
      this.#session.contentDeleted = false;
      this.#deletedAt ??= performance.now();
    }
    if (this.#written > this.#files.walBytes / 4) this.#request();
    return reply;
  }

  /** Once a second: what was written since is copied, and what was deleted leaves the log in time. */
  tick(): void {
    this.#room.look();
    if (this.#written > 0 || this.#scrubIsDue) this.#request();
  }

  close(): void {
    checkpoint(this.#session.db, 'TRUNCATE');
    this.#session.db.close();
    this.#lock.close();
  }

  get #scrubIsDue(): boolean {
    return this.#deletedAt !== undefined && performance.now() - this.#deletedAt >= this.#files.scrubAfterMs;
  }

  #restartLog(mode: 'RESTART' | 'TRUNCATE'): boolean {
    try {
      const { busy } = checkpoint(this.#session.db, mode);
      if (busy !== 0) return false;
    } catch {
      // For want of space, most likely: commits that do not fit will say so, and the next request tries again.
      return false;
    }
    this.#sinceRestart = 0;
    if (mode === 'TRUNCATE') this.#deletedAt = undefined;
    return true;
  }

  #request(): void {
    if (this.#requested) return;
    this.#requested = true;
    this.#sinceRestart += this.#written;
    this.#written = 0;
    this.#checkpoints.postMessage(null);
  }

  #passed(): void {
    this.#requested = false;
    if (this.#scrubIsDue) this.#restartLog('TRUNCATE');
    else if (this.#sinceRestart > this.#files.walBytes) this.#restartLog('RESTART');
  }
}
