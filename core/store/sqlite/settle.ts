import type { PartRows } from './part-rows.ts';
import type { Session } from './session.ts';
import { contentLevels, partStatus } from './shape.ts';
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
    this.#routed = db.prepare('DELETE FROM unrouted WHERE channel = ? AND seq = ? RETURNING size');
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
    const { counters } = this.#session;
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
    const routed = this.#routed.get(channel, seq) as { size: number } | undefined;
    if (routed) {
      const sentAt = at < 0 ? null : at;
      this.#settlement.run(seq, version, shape, keep, sentAt, type, times, metaFields || null, meta, error);
      counters.add(channel, 0, 'unrouted', -1);
      if (error !== null) {
        counters.add(channel, 0, 'errored', 1);
        counters.add(channel, 0, 'open_errors', 1);
      }
      const parts = this.#session.shape(shape);
      if (parts.length === 0 && error === null) counters.add(channel, 0, 'filtered', 1);
      for (const part of parts) {
        if (part.status !== 'detailed') counters.add(channel, part.destination, part.status, 1);
      }
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
      const part = { channel, destination, seq, n, status, attempts, time, keys, error: failure };
      this.#parts.insert(part, kept ? bytes : null, kept ? reply : null);
    }
    const packed = slab.bytes();
    if (!routed) return;
    if (packed && level === 'full') this.#contents.run(seq, packed);
    if (queued > 0) return;
    counters.add(channel, 0, 'backlog', -routed.size);
    if (level === 'metadata') this.#parts.deleteRaw(seq);
  }
}
