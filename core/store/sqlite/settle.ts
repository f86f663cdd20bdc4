import type { DayOfChannel } from '../daily-tally.ts';
import { contentLevels, partStatus } from '../shape.ts';
import type { PartRows } from './part-rows.ts';
import type { Session } from './session.ts';
import type { SlabReader } from './slab.ts';

type Statement = ReturnType<Session['db']['prepare']>;

/** Ends the first pass of messages as they come out of a slab. */
export class Settle {
  readonly #session: Session;
  readonly #parts: PartRows;
  readonly #routed: Statement;
  readonly #settlement: Statement;
  readonly #contents: Statement;

  constructor(session: Session, parts: PartRows) {
    const { db } = session;
    this.#session = session;
    this.#parts = parts;
    this.#routed = db.prepare('DELETE FROM unrouted WHERE channel = ? AND seq = ? RETURNING size, day');
    this.#settlement = db.prepare(
      `INSERT INTO settlement (seq, version, shape, keep, at, type, times, meta_fields, meta, error)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#contents = db.prepare('INSERT INTO contents VALUES (?, ?)');
  }

  run(slab: SlabReader): void {
    const channel = slab.u32();
    const count = slab.u32();
    for (let index = 0; index < count; index++) this.#settle(channel, slab);
  }

  #settle(channel: number, slab: SlabReader): void {
    const { counters, daily } = this.#session;
    const seq = slab.number();
    const version = slab.u32();
    const keep = slab.u32();
    const type = slab.text();
    const error = slab.text();
    const metaFields = slab.u32();
    const meta = slab.text();
    const shape = slab.u32() || (slab.text() ?? '');
    const at = slab.number();
    const times = slab.text();
    const details = slab.u32();
    const queued = slab.u32();
    const routed = this.#routed.get(channel, seq) as { size: number; day: number | null } | undefined;
    const plain = details === 0 && error === null && typeof shape === 'number';
    let sent = false;
    let failed = error !== null;
    if (routed) {
      const sentAt = at < 0 ? null : at;
      this.#settlement.run(seq, version, shape, keep, sentAt, type, times, metaFields || null, meta, error);
      const ofDay = daily.of(channel, routed.day);
      if (plain) ofDay.passed(type, shape);
      else sent = this.#count(channel, ofDay, shape, failed);
    }
    const level = contentLevels[keep] ?? 'full';
    for (let index = 0; index < details; index++) {
      const destination = slab.u32();
      const n = slab.u32();
      const status = slab.u32();
      const attempts = slab.u32();
      const time = slab.number();
      const keys = slab.text();
      const failure = slab.text();
      const bytes = slab.bytes();
      const reply = slab.bytes();
      if (!routed) continue;
      const kept = level === 'full' || queued > 0 || (level === 'raw' && status === partStatus.error);
      failed ||= status === partStatus.error;
      sent ||= status === partStatus.sent;
      const part = { channel, destination, seq, n, status, attempts, time, keys, error: failure, day: routed.day };
      this.#parts.insert(part, kept ? bytes : null, kept ? reply : null);
    }
    const packed = slab.bytes();
    if (!routed) return;
    if (!plain) {
      const heading = queued > 0 ? 'queued' : failed ? 'errored' : sent ? 'sent' : 'filtered';
      daily.of(channel, routed.day).routed(type, heading);
    }
    if (packed && level === 'full') this.#contents.run(seq, packed);
    if (queued > 0) return;
    counters.add(channel, 0, 'backlog', -routed.size);
    if (level === 'metadata') this.#parts.deleteRaw(seq);
  }

  /** Whether a part of it was sent that has no row of its own. */
  #count(channel: number, ofDay: DayOfChannel, shape: number | string, failed: boolean): boolean {
    const { counters } = this.#session;
    const parts = this.#session.shape(shape);
    let sent = false;
    counters.add(channel, 0, 'unrouted', -1);
    if (failed) {
      counters.add(channel, 0, 'errored', 1);
      counters.add(channel, 0, 'open_errors', 1);
    } else if (parts.length === 0) {
      counters.add(channel, 0, 'filtered', 1);
    }
    for (const { destination, status } of parts) {
      if (status === 'detailed') continue;
      counters.add(channel, destination, status, 1);
      ofDay.destination(destination).add(status);
      sent ||= status === 'sent';
    }
    return sent;
  }
}
