import { partStatus } from '../shape.ts';
import type { Session } from './session.ts';

type Statement = ReturnType<Session['db']['prepare']>;

/** A part that has a row of its own. `time` is its sentAt, or its retryAt while it waits; negative where it has none. */
export interface NewPart {
  readonly channel: number;
  readonly destination: number;
  readonly seq: number;
  readonly n: number;
  readonly status: number;
  readonly attempts: number;
  readonly time: number;
  /** JSON. */
  readonly keys: string | null;
  readonly error: string | null;
  /** What its message is counted for; null where it is for none. */
  readonly day: number | null;
}

export interface PartKeys {
  readonly id: number;
  readonly channel: number;
  readonly destination: number;
  readonly seq: number;
  readonly n: number;
  readonly keys: string | null;
}

/** Rows of parts, their content and their keys, with the counters that go with them. */
export class PartRows {
  readonly #session: Session;
  readonly #insert: Statement;
  readonly #content: Statement;
  readonly #key: Statement;
  readonly #dropKey: Statement;
  readonly #dropRaw: Statement;
  readonly #dropAttachments: Statement;
  readonly #dropContents: Statement;
  readonly #dropSettledContents: Statement;

  constructor(session: Session) {
    const { db } = session;
    this.#session = session;
    this.#insert = db.prepare(
      `INSERT INTO part (channel, destination, seq, n, status, attempts, size, queued_at, retry_at, sent_at, keys, error, day)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#content = db.prepare('INSERT INTO part_content VALUES (?, ?, ?)');
    this.#key = db.prepare('INSERT OR IGNORE INTO part_key VALUES (?, ?, ?, ?, ?, ?)');
    this.#dropKey = db.prepare(
      'DELETE FROM part_key WHERE channel = ? AND destination = ? AND key = ? AND seq = ? AND n = ?',
    );
    this.#dropRaw = db.prepare('DELETE FROM raw WHERE seq = ?');
    this.#dropAttachments = db.prepare('DELETE FROM attachment WHERE seq = ?');
    this.#dropContents = db.prepare('DELETE FROM part_content WHERE part IN (SELECT id FROM part WHERE seq = ?)');
    this.#dropSettledContents = db.prepare(
      'DELETE FROM part_content WHERE part IN (SELECT id FROM part WHERE seq = ? AND status <> 4)',
    );
  }

  insert(part: NewPart, bytes: Uint8Array | null, reply: Uint8Array | null): void {
    const { channel, destination, seq, n, status, attempts, time, keys, error, day } = part;
    const { counters, daily, now } = this.#session;
    const queued = status < partStatus.sent;
    const at = time < 0 ? null : time;
    const retryAt = status === partStatus.waiting ? at : null;
    const sentAt = status === partStatus.sent ? at : null;
    const size = bytes?.length ?? null;
    const queuedAt = queued ? now : null;
    const row = this.#insert.run(
      channel,
      destination,
      seq,
      n,
      status,
      attempts,
      size,
      queuedAt,
      retryAt,
      sentAt,
      keys,
      error,
      day,
    );
    const id = Number(row.lastInsertRowid);
    const heading = queued ? 'queued' : status === partStatus.error ? 'errored' : 'sent';
    daily.of(channel, day).destination(destination).add(heading);
    if (bytes !== null || reply !== null) this.#content.run(id, bytes, reply);
    if (queued) {
      this.addKeys({ id, channel, destination, seq, n, keys });
      counters.add(channel, destination, 'queued', 1);
      counters.add(channel, 0, 'backlog', size ?? 0);
    } else if (status === partStatus.error) {
      counters.add(channel, destination, 'errored', 1);
      counters.add(channel, destination, 'open_errors', 1);
    } else {
      counters.add(channel, destination, 'sent', 1);
    }
  }

  addKeys({ id, channel, destination, seq, n, keys }: PartKeys): void {
    for (const key of parseKeys(keys)) this.#key.run(channel, destination, key, seq, n, id);
  }

  dropKeys({ channel, destination, seq, n, keys }: PartKeys): void {
    for (const key of parseKeys(keys)) this.#dropKey.run(channel, destination, key, seq, n);
  }

  deleteRaw(seq: number): void {
    this.#dropRaw.run(seq);
    this.#dropAttachments.run(seq);
    this.#session.contentDeleted = true;
  }

  /** Frozen bytes and replies; those of open errors stay where `keepOpen` says so. */
  deleteContents(seq: number, keepOpen: boolean): void {
    (keepOpen ? this.#dropSettledContents : this.#dropContents).run(seq);
    this.#session.contentDeleted = true;
  }
}

export function parseKeys(keys: string | null): readonly string[] {
  return keys === null ? [] : (JSON.parse(keys) as string[]);
}
