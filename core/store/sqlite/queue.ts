import type { DueParts, PartPosition, QueuedPart, QueueState } from '../message-store.ts';
import { metaFromColumns } from '../meta-columns.ts';
import { partStatus } from '../shape.ts';
import { uuidText } from '../uuid.ts';
import { parseKeys } from './part-rows.ts';
import type { Session } from './session.ts';

type Statement = ReturnType<Session['db']['prepare']>;

interface Row {
  readonly seq: number;
  readonly n: number;
  readonly attempts: number;
  readonly queued_at: number;
  readonly retry_at: number | null;
  readonly keys: string | null;
  readonly id: Uint8Array;
  readonly received_at: number;
  readonly replay_of: Uint8Array | null;
  readonly meta_fields: number | null;
  readonly meta: string | null;
  readonly version: number;
  readonly settled_fields: number | null;
  readonly settled_meta: string | null;
  readonly bytes: Uint8Array | null;
}

const columns = `p.seq, p.n, p.attempts, p.queued_at, p.retry_at, p.keys, m.id, m.received_at, m.replay_of, m.meta_fields, m.meta,
  s.version, s.meta_fields AS settled_fields, s.meta AS settled_meta, c.bytes`;
const joins = `JOIN message m ON m.channel = p.channel AND m.seq = p.seq JOIN settlement s ON s.seq = p.seq
  LEFT JOIN part_content c ON c.part = p.id`;

/** Reads the queue of a destination. */
export class Queue {
  readonly #session: Session;
  readonly #ready: Statement;
  readonly #due: Statement;
  readonly #retryAfter: Statement;
  readonly #totals: Statement;
  readonly #nextRetry: Statement;
  readonly #nextKey: Statement;
  readonly #head: Statement;
  readonly #held: Statement;

  constructor(session: Session) {
    const { db } = session;
    this.#session = session;
    this.#ready = db.prepare(
      `SELECT ${columns} FROM part p INDEXED BY part_queue ${joins}
       WHERE p.channel = ? AND p.destination = ? AND p.status = 0 AND p.status < 3 AND (p.seq, p.n) > (?, ?) ORDER BY p.seq, p.n LIMIT ?`,
    );
    this.#due = db.prepare(
      `SELECT ${columns} FROM part p INDEXED BY part_due ${joins}
       WHERE p.channel = ? AND p.destination = ? AND p.status = 1 AND p.retry_at <= ? ORDER BY p.retry_at, p.seq, p.n LIMIT ?`,
    );
    this.#retryAfter = db.prepare(
      `SELECT retry_at AS at FROM part INDEXED BY part_due WHERE channel = ? AND destination = ? AND status = 1
       ORDER BY retry_at LIMIT 1 OFFSET ?`,
    );
    this.#totals = db.prepare(
      `SELECT status, count(*) AS count, sum(size) AS bytes, min(queued_at) AS oldest
       FROM part INDEXED BY part_queue WHERE channel = ? AND destination = ? AND status < 3 GROUP BY status`,
    );
    this.#nextRetry = db.prepare(
      'SELECT min(retry_at) AS at FROM part INDEXED BY part_due WHERE channel = ? AND destination = ? AND status = 1',
    );
    this.#nextKey = db.prepare(
      'SELECT key FROM part_key WHERE channel = ? AND destination = ? AND key > ? ORDER BY key LIMIT 1',
    );
    this.#head = db.prepare(
      `SELECT k.seq, k.n, p.status FROM part_key k JOIN part p ON p.id = k.part
       WHERE k.channel = ? AND k.destination = ? AND k.key = ? ORDER BY k.seq, k.n LIMIT 1`,
    );
    this.#held = db.prepare(
      `SELECT 1 FROM part_key k JOIN part p ON p.id = k.part
       WHERE k.channel = ? AND k.destination = ? AND k.key = ? AND p.status IN (1, 2) LIMIT 1`,
    );
  }

  ready(
    channel: string,
    destination: string,
    after: PartPosition,
    limit: number,
    maxBytes: number,
  ): readonly QueuedPart[] {
    const ids = [this.#session.id(channel), this.#session.id(destination)] as const;
    const parts: QueuedPart[] = [];
    let bytes = 0;
    for (const row of this.#ready.iterate(...ids, after.seq, after.n, limit)) {
      const part = this.#part(destination, row as unknown as Row);
      parts.push(part);
      bytes += part.bytes.length;
      if (bytes >= maxBytes) break;
    }
    return parts;
  }

  due(channel: string, destination: string, now: number, limit: number): DueParts {
    const ids = [this.#session.id(channel), this.#session.id(destination)] as const;
    const rows = this.#due.all(...ids, now, limit) as unknown as Row[];
    const next = this.#retryAfter.get(...ids, rows.length) as { at: number } | undefined;
    return { rows: rows.map((row) => this.#part(destination, row)), nextRetryAt: next?.at };
  }

  state(channelName: string, destinationName: string, maxHeld: number): QueueState {
    const channel = this.#session.id(channelName);
    const destination = this.#session.id(destinationName);
    const totals = this.#totals.all(channel, destination) as unknown as Totals[];
    const count = (status: number) => totals.find((total) => total.status === status)?.count ?? 0;
    const nextRetry = this.#nextRetry.get(channel, destination) as { at: number | null };
    return {
      ready: count(partStatus.ready),
      waiting: count(partStatus.waiting),
      blocked: count(partStatus.blocked),
      bytes: totals.reduce((sum, total) => sum + (total.bytes ?? 0), 0),
      ...(totals.length > 0 ? { oldest: Math.min(...totals.map((total) => total.oldest)) } : {}),
      ...(nextRetry.at === null ? {} : { nextRetryAt: nextRetry.at }),
      held: this.#heldKeys(channel, destination, maxHeld),
    };
  }

  /** Jumps from key to key in the index, so that 100,000 parts of one key cost one look. */
  #heldKeys(channel: number, destination: number, maxHeld: number): QueueState['held'] {
    const held: { key: string; head: PartPosition }[] = [];
    let next = this.#firstKey(channel, destination);
    while (next && held.length < maxHeld) {
      const { key } = next;
      const { seq, n, status } = this.#head.get(channel, destination, key) as unknown as PartPosition & {
        status: number;
      };
      if (status !== partStatus.ready || this.#held.get(channel, destination, key))
        held.push({ key, head: { seq, n } });
      next = this.#nextKey.get(channel, destination, key) as { key: string } | undefined;
    }
    return held;
  }

  #firstKey(channel: number, destination: number): { key: string } | undefined {
    // The empty string is below every key but itself.
    if (this.#head.get(channel, destination, '')) return { key: '' };
    return this.#nextKey.get(channel, destination, '') as { key: string } | undefined;
  }

  #part(destination: string, row: Row): QueuedPart {
    return {
      destination,
      seq: row.seq,
      n: row.n,
      id: uuidText(row.id),
      receivedAt: row.received_at,
      version: this.#session.text(row.version),
      ...(row.replay_of ? { replayOf: uuidText(row.replay_of) } : {}),
      meta: { ...this.#meta(row.meta_fields, row.meta), ...this.#meta(row.settled_fields, row.settled_meta) },
      keys: parseKeys(row.keys),
      attempts: row.attempts,
      firstQueuedAt: row.queued_at,
      ...(row.retry_at === null ? {} : { retryAt: row.retry_at }),
      bytes: row.bytes ?? new Uint8Array(0),
    };
  }

  #meta(fields: number | null, values: string | null) {
    if (values === null) return undefined;
    return metaFromColumns(fields === null ? undefined : this.#session.text(fields), values);
  }
}

interface Totals {
  readonly status: number;
  readonly count: number;
  readonly bytes: number | null;
  readonly oldest: number;
}
