import type { DayOfChannel } from '../daily-tally.ts';
import type { PartChange, PartPosition, Unblocked } from '../message-store.ts';
import { contentLevels, partStatus } from '../shape.ts';
import { type PartKeys, type PartRows, parseKeys } from './part-rows.ts';
import type { Session } from './session.ts';

type Statement = ReturnType<Session['db']['prepare']>;

interface Row extends PartKeys {
  readonly status: number;
  readonly attempts: number;
  readonly size: number | null;
  readonly queued_at: number | null;
  readonly error: string | null;
  readonly day: number | null;
}

interface MessageRow {
  readonly size: number;
  readonly keep: number;
  readonly type: string | null;
  /** Before it had parts. */
  readonly failed: number;
  /** Eight times the lowest of the statuses of its parts that have rows of their own, and the highest. */
  readonly standing: number;
}

/** Moves parts between statuses, and settles their message when the last one leaves the queue. */
export class PartChanges {
  readonly #session: Session;
  readonly #rows: PartRows;
  readonly #part: Statement;
  readonly #set: Statement;
  readonly #reply: Statement;
  readonly #message: Statement;
  readonly #resolvePart: Statement;
  readonly #resolveMessage: Statement;
  readonly #ownError: Statement;

  constructor(session: Session, rows: PartRows) {
    const { db } = session;
    this.#session = session;
    this.#rows = rows;
    this.#part = db.prepare(
      `SELECT id, channel, destination, seq, n, status, attempts, size, queued_at, keys, error, day
       FROM part WHERE seq = ? AND destination = ? AND n = ? AND channel = ?`,
    );
    this.#set = db.prepare(
      'UPDATE part SET status = ?, attempts = ?, queued_at = ?, retry_at = ?, sent_at = ?, error = ? WHERE id = ?',
    );
    this.#reply = db.prepare(
      `INSERT INTO part_content VALUES (?, NULL, ?) ON CONFLICT (part) DO UPDATE SET reply = excluded.reply`,
    );
    this.#message = db.prepare(
      `SELECT m.size, s.keep, s.type, s.error IS NOT NULL AS failed,
         (SELECT min(status) * 8 + max(status) FROM part WHERE seq = m.seq) AS standing
       FROM message m JOIN settlement s ON s.seq = m.seq WHERE m.channel = ? AND m.seq = ?`,
    );
    this.#resolvePart = db.prepare('UPDATE part SET status = 5, resolved = ? WHERE id = ?');
    this.#resolveMessage = db.prepare('UPDATE settlement SET resolved = ? WHERE seq = ?');
    this.#ownError = db.prepare(
      `SELECT 1 FROM settlement s JOIN message m ON m.channel = ? AND m.seq = s.seq
       WHERE s.seq = ? AND s.error IS NOT NULL AND s.resolved IS NULL`,
    );
  }

  run(channelName: string, changes: readonly PartChange[]): void {
    const channel = this.#session.id(channelName);
    for (const change of changes) {
      if (change.destination === '') this.#changeMessage(channel, change);
      else this.#change(channel, change);
    }
  }

  #changeMessage(channel: number, change: PartChange): void {
    if (change.to !== 'resolved' || change.from !== 'error' || !this.#ownError.get(channel, change.seq)) return;
    this.#resolveMessage.run(this.#resolution(change.by), change.seq);
    this.#session.counters.add(channel, 0, 'open_errors', -1);
  }

  #change(channel: number, change: PartChange): void {
    const row = this.#part.get(change.seq, this.#session.id(change.destination), change.n, channel) as Row | undefined;
    if (!row) return;
    const wasQueued = row.status < partStatus.sent;
    const applies = change.from === 'queued' ? wasQueued : row.status === partStatus.error;
    if (!applies) return;
    switch (change.to) {
      case 'ready':
      case 'waiting':
      case 'blocked':
        if (wasQueued || row.size !== null) this.#queue(row, change);
        return;
      case 'sent':
        this.#set.run(partStatus.sent, change.attempts, null, null, change.sentAt, null, row.id);
        this.#leave(row, 'sent', change.reply);
        return;
      case 'error':
        this.#set.run(partStatus.error, change.attempts, null, null, null, JSON.stringify(change.error), row.id);
        this.#leave(row, 'errored', change.reply);
        return;
      case 'resolved':
        if (wasQueued) return;
        this.#resolvePart.run(this.#resolution(change.by), row.id);
        this.#leave(row, undefined, undefined);
        return;
      default:
        change satisfies never;
    }
  }

  #queue(row: Row, change: PartChange & { readonly to: 'ready' | 'waiting' | 'blocked' }): void {
    const { counters, now } = this.#session;
    const attempts = change.to === 'blocked' ? row.attempts : (change.attempts ?? row.attempts);
    const retryAt = change.to === 'waiting' ? change.retryAt : null;
    const error = change.to === 'waiting' && change.error ? JSON.stringify(change.error) : row.error;
    const wasQueued = row.status < partStatus.sent;
    if (!wasQueued) {
      const message = this.#message.get(row.channel, row.seq) as MessageRow | undefined;
      const isFirst = message !== undefined && !hasQueued(message);
      this.#rows.addKeys(row);
      counters.add(row.channel, row.destination, 'queued', 1);
      counters.add(row.channel, row.destination, 'open_errors', -1);
      counters.add(row.channel, 0, 'backlog', (row.size ?? 0) + (isFirst ? message.size : 0));
      this.#ofDay(row).destination(row.destination).move('errored', 'queued');
      if (isFirst) this.#ofDay(row).moved(message.type, 'errored', 'queued');
    }
    this.#set.run(partStatus[change.to], attempts, wasQueued ? row.queued_at : now, retryAt, null, error, row.id);
  }

  /** The part has left the queue, or an error of it was closed. */
  #leave(row: Row, to: 'sent' | 'errored' | undefined, reply: Uint8Array | undefined): void {
    const { counters } = this.#session;
    const { channel, destination, seq } = row;
    if (reply) this.#reply.run(row.id, reply);
    if (row.status < partStatus.sent) {
      this.#rows.dropKeys(row);
      counters.add(channel, destination, 'queued', -1);
      counters.add(channel, 0, 'backlog', -(row.size ?? 0));
    } else {
      counters.add(channel, destination, 'open_errors', -1);
    }
    if (to) counters.add(channel, destination, to, 1);
    if (to === 'errored') counters.add(channel, destination, 'open_errors', 1);
    const before = row.status < partStatus.sent ? 'queued' : 'errored';
    if (to) this.#ofDay(row).destination(destination).move(before, to);
    const message = this.#message.get(channel, seq) as MessageRow | undefined;
    if (!message || hasQueued(message)) return;
    // This part was sent, if none is an error.
    this.#ofDay(row).moved(
      message.type,
      before,
      message.failed || message.standing % 8 > partStatus.sent ? 'errored' : 'sent',
    );
    if (row.status < partStatus.sent) counters.add(channel, 0, 'backlog', -message.size);
    const level = contentLevels[message.keep];
    if (level === 'metadata') this.#rows.deleteRaw(seq);
    if (level !== 'full') this.#rows.deleteContents(seq, level === 'raw');
  }

  #ofDay({ channel, day }: Row): DayOfChannel {
    return this.#session.daily.of(channel, day);
  }

  #resolution(by: { readonly actor: string; readonly reason: string; readonly ticket?: string }): string {
    const { actor, reason, ticket } = by;
    return JSON.stringify({ at: this.#session.now, actor, reason, ...(ticket === undefined ? {} : { ticket }) });
  }
}

function hasQueued({ standing }: MessageRow): boolean {
  return standing < partStatus.sent * 8;
}

/** Makes blocked parts of a key ready, lowest first, while nothing before them holds one of their keys. */
export class Unblock {
  readonly #session: Session;
  readonly #held: Statement;
  readonly #heldBefore: Statement;
  readonly #next: Statement;
  readonly #ready: Statement;

  constructor(session: Session) {
    const { db } = session;
    this.#session = session;
    const ofKey =
      'FROM part_key k JOIN part p ON p.id = k.part WHERE k.channel = ? AND k.destination = ? AND k.key = ?';
    const held = `${ofKey} AND p.status IN (1, 2)`;
    this.#held = db.prepare(`SELECT k.seq, k.n, p.id, p.status, p.keys ${held} ORDER BY k.seq, k.n LIMIT ?`);
    this.#heldBefore = db.prepare(`SELECT 1 ${held} AND (k.seq, k.n) < (?, ?) LIMIT 1`);
    this.#next = db.prepare(`SELECT k.seq, k.n ${held} ORDER BY k.seq, k.n LIMIT 1`);
    this.#ready = db.prepare('UPDATE part SET status = 0 WHERE id = ?');
  }

  run(channelName: string, destinationName: string, key: string, limit: number): Unblocked {
    const channel = this.#session.id(channelName);
    const destination = this.#session.id(destinationName);
    const parts: PartPosition[] = [];
    const ofParts = new Set<string>();
    const rows = this.#held.all(channel, destination, key, limit) as unknown as (PartKeys & { status: number })[];
    for (const { id, seq, n, status, keys } of rows) {
      if (status === partStatus.waiting) break;
      const all = parseKeys(keys);
      const others = all.filter((other) => other !== key);
      if (others.some((other) => this.#heldBefore.get(channel, destination, other, seq, n))) break;
      this.#ready.run(id);
      parts.push({ seq, n });
      for (const each of all) ofParts.add(each);
    }
    const next = this.#next.get(channel, destination, key) as PartPosition | undefined;
    return { parts, keys: [...ofParts], ...(next && { next: { seq: next.seq, n: next.n } }) };
  }
}
