import type { PrunePolicy } from '../message-store.ts';
import type { PruneCursor, PruneStep } from './calls.ts';
import type { PartRows } from './part-rows.ts';
import type { Session } from './session.ts';

type Statement = ReturnType<Session['db']['prepare']>;

interface Row {
  readonly seq: number;
  readonly received_at: number;
}

/**
 * Deletes in steps of some rows, each in a commit of its own beside live traffic. A pruning goes over three lists: messages
 * that an earlier one had to leave (`later`), content above the channel's mark, and whole messages from the channel's first. As
 * messages are received in order of seq it ends a list at the first step without an old one.
 */
export class Prune {
  readonly #session: Session;
  readonly #parts: PartRows;
  readonly #later: Statement;
  readonly #above: Statement;
  readonly #mark: Statement;
  readonly #setMark: Statement;
  readonly #keepForLater: Statement;
  readonly #notLater: Statement;
  readonly #needed: Statement;
  readonly #hasContent: Statement;
  readonly #dropContents: Statement;
  readonly #dropMessage: readonly Statement[];
  readonly #floor: Statement;

  constructor(session: Session, parts: PartRows) {
    const { db } = session;
    this.#session = session;
    this.#parts = parts;
    this.#later = db.prepare(
      `SELECT m.seq, m.received_at FROM prune_later l JOIN message m ON m.channel = l.channel AND m.seq = l.seq
       WHERE l.channel = ? AND l.seq > ? ORDER BY l.seq LIMIT ?`,
    );
    this.#above = db.prepare('SELECT seq, received_at FROM message WHERE channel = ? AND seq > ? ORDER BY seq LIMIT ?');
    this.#mark = db.prepare('SELECT seq FROM prune_mark WHERE channel = ?');
    this.#setMark = db.prepare(
      'INSERT INTO prune_mark VALUES (?, ?) ON CONFLICT (channel) DO UPDATE SET seq = excluded.seq',
    );
    this.#keepForLater = db.prepare('INSERT OR IGNORE INTO prune_later VALUES (?, ?)');
    this.#notLater = db.prepare('DELETE FROM prune_later WHERE channel = ? AND seq = ?');
    this.#needed = db.prepare(
      `SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM settlement WHERE seq = ?1 AND (error IS NULL OR resolved IS NOT NULL))
       OR EXISTS (SELECT 1 FROM part WHERE seq = ?1 AND status IN (0, 1, 2, 4))`,
    );
    this.#hasContent = db.prepare(
      `SELECT 1 WHERE EXISTS (SELECT 1 FROM raw WHERE seq = ?1) OR EXISTS (SELECT 1 FROM contents WHERE seq = ?1)
       OR EXISTS (SELECT 1 FROM part p JOIN part_content c ON c.part = p.id WHERE p.seq = ?1)`,
    );
    this.#dropContents = db.prepare('DELETE FROM contents WHERE seq = ?');
    this.#dropMessage = [
      'DELETE FROM part WHERE seq = ?',
      'DELETE FROM settlement WHERE seq = ?',
      'DELETE FROM dedupe WHERE seq = ?',
    ].map((sql) => db.prepare(sql));
    this.#floor = db.prepare('UPDATE hub SET seq_floor = max(seq_floor, ?)');
    this.#dropRow = db.prepare('DELETE FROM message WHERE channel = ? AND seq = ?');
  }

  readonly #dropRow: Statement;

  run(channelName: string, policy: PrunePolicy, cursor: PruneCursor): PruneStep {
    const channel = this.#session.id(channelName);
    const limit = policy.step ?? 1;
    switch (cursor.phase) {
      case 'later':
        return this.#leftBefore(channel, policy, cursor.after, limit);
      case 'contents':
        return this.#contents(channel, policy, limit);
      case 'messages':
        return this.#messages(channel, policy, cursor.after, limit);
      default:
        return cursor.phase satisfies never;
    }
  }

  #leftBefore(channel: number, policy: PrunePolicy, after: number, limit: number): PruneStep {
    const rows = this.#later.all(channel, after, limit) as unknown as Row[];
    let contents = 0;
    for (const row of rows) {
      if (row.received_at >= policy.contentBefore || this.#needed.get(row.seq)) continue;
      contents += this.#deleteContent(row.seq);
      this.#notLater.run(channel, row.seq);
    }
    const last = rows.length < limit ? undefined : rows.at(-1);
    return {
      contents,
      messages: 0,
      next: last ? { phase: 'later', after: last.seq } : { phase: 'contents', after: 0 },
    };
  }

  #contents(channel: number, policy: PrunePolicy, limit: number): PruneStep {
    const mark = (this.#mark.get(channel) as { seq: number } | undefined)?.seq ?? 0;
    const rows = this.#above.all(channel, mark, limit) as unknown as Row[];
    let contents = 0;
    let newMark = mark;
    let passed = true;
    for (const row of rows) {
      const old = row.received_at < policy.contentBefore;
      passed &&= old;
      if (!old) continue;
      if (!this.#needed.get(row.seq)) contents += this.#deleteContent(row.seq);
      else if (passed) this.#keepForLater.run(channel, row.seq);
      if (passed) newMark = row.seq;
    }
    if (newMark > mark) this.#setMark.run(channel, newMark);
    const more = passed && rows.length === limit;
    return { contents, messages: 0, next: more ? { phase: 'contents', after: 0 } : { phase: 'messages', after: 0 } };
  }

  #messages(channel: number, policy: PrunePolicy, after: number, limit: number): PruneStep {
    const rows = this.#above.all(channel, after, limit) as unknown as Row[];
    const old = rows.filter((row) => row.received_at < policy.messagesBefore);
    let contents = 0;
    let messages = 0;
    for (const { seq } of old) {
      if (this.#needed.get(seq)) continue;
      contents += this.#deleteContent(seq);
      for (const statement of this.#dropMessage) statement.run(seq);
      this.#dropRow.run(channel, seq);
      this.#notLater.run(channel, seq);
      this.#floor.run(seq);
      messages++;
    }
    const last = rows.at(-1);
    const more = last && rows.length === limit && old.length > 0;
    return { contents, messages, ...(more ? { next: { phase: 'messages', after: last.seq } } : {}) };
  }

  #deleteContent(seq: number): number {
    if (!this.#hasContent.get(seq)) return 0;
    this.#parts.deleteRaw(seq);
    this.#parts.deleteContents(seq, false);
    this.#dropContents.run(seq);
    return 1;
  }
}
