import { bytesLiteral, literal, numbers } from '../../../clients/postgres/quote.ts';
import type { PartChange, Reader } from '../../../core/store/message-store.ts';
import { contentLevels, partStatus } from '../../../core/store/shape.ts';
import { errorText } from './prepared.ts';
import { dropRaw, writeKey } from './settling.ts';
import type { Transaction } from './transaction.ts';

export interface Update {
  readonly channel: string;
  readonly changes: readonly PartChange[];
}

/** A row of `part`, as it becomes. */
interface PartRow {
  readonly seq: number;
  readonly destination: number;
  readonly n: number;
  readonly channel: number;
  readonly size: number | null;
  readonly keys: readonly string[];
  readonly day: number;
  readonly wasQueued: boolean;
  status: number;
  attempts: number;
  queuedAt: number | null;
  retryAt: number | null;
  sentAt: number | null;
  error: string | null;
  resolved: string | null;
  reply: Uint8Array | undefined;
  changed: boolean;
}

interface MessageRow {
  readonly channel: number;
  readonly size: number;
  readonly keep: number;
  readonly type: string | null;
  /** Before it had parts. */
  readonly failed: boolean;
  readonly parts: PartRow[];
  resolved: string | null;
  changed: boolean;
}

/**
 * Moves parts between statuses, and settles their message when the last one leaves the queue: reads the messages with all their
 * parts, locks them, changes them here in call order, and writes what has changed.
 */
export async function update(tx: Transaction, updates: readonly Update[]): Promise<void> {
  const changes = new Changes(tx);
  const byChannel = new Map<number, Set<number>>();
  for (const { channel, changes: list } of updates) {
    const seqs = byChannel.get(tx.state.names.known(channel)) ?? new Set();
    for (const { seq } of list) seqs.add(seq);
    byChannel.set(tx.state.names.known(channel), seqs);
  }
  for (const [channel, seqs] of byChannel) if (channel > 0 && seqs.size > 0) await changes.load(channel, [...seqs]);
  for (const { channel, changes: list } of updates)
    for (const change of list) changes.apply(tx.state.names.known(channel), change);
  changes.write();
}

class Changes {
  readonly #tx: Transaction;
  readonly #messages = new Map<number, MessageRow>();
  /** Messages that are settled now: their content level applies. */
  readonly #settled = new Set<number>();

  constructor(tx: Transaction) {
    this.#tx = tx;
  }

  async load(channel: number, seqs: readonly number[]): Promise<void> {
    const { quoted } = this.#tx.state;
    const those = `= ANY(${numbers(seqs, 'int8')})`;
    const [parts = [], messages = []] = await this.#tx.read(
      `SELECT seq, destination, n, status, attempts, size, queued_at, retry_at, sent_at, keys, error, resolved, day
       FROM ${quoted}.part WHERE seq ${those} AND channel = ${channel} ORDER BY seq, destination, n FOR UPDATE`,
      `SELECT m.seq, m.size, s.keep, s.type, s.error IS NOT NULL, s.resolved FROM ${quoted}.message m
       JOIN ${quoted}.settlement s ON s.seq = m.seq WHERE m.channel = ${channel} AND m.seq ${those} AND s.seq ${those}`,
    );
    for (const [seq, size, keep, type = null, failed, resolved = null] of messages) {
      const row = { channel, size: Number(size), keep: Number(keep), type, failed: failed === 't', resolved };
      this.#messages.set(Number(seq), { ...row, parts: [], changed: false });
    }
    for (const row of parts) {
      const part = partOf(channel, row);
      this.#messages.get(part.seq)?.parts.push(part);
    }
  }

  apply(channel: number, change: PartChange): void {
    const message = this.#messages.get(change.seq);
    if (!message || message.channel !== channel) return;
    if (change.destination === '') {
      this.#applyToMessage(message, change);
      return;
    }
    const destination = this.#tx.state.names.known(change.destination);
    const part = message.parts.find((each) => each.destination === destination && each.n === change.n);
    if (part) this.#applyToPart(message, part, change);
  }

  #applyToMessage(message: MessageRow, change: PartChange): void {
    const open = message.failed && message.resolved === null;
    if (change.to !== 'resolved' || change.from !== 'error' || !open) return;
    message.resolved = this.#resolution(change.by);
    message.changed = true;
    this.#tx.counters.add(message.channel, 0, 'open_errors', -1);
  }

  #applyToPart(message: MessageRow, part: PartRow, change: PartChange): void {
    const queued = part.status < partStatus.sent;
    if (change.from === 'queued' ? !queued : part.status !== partStatus.error) return;
    switch (change.to) {
      case 'ready':
      case 'waiting':
      case 'blocked':
        if (queued || part.size !== null) this.#queue(message, part, change);
        return;
      case 'sent':
        this.#leave(message, part, { ...change, status: partStatus.sent, heading: 'sent' });
        return;
      case 'error':
        this.#leave(message, part, { ...change, status: partStatus.error, heading: 'errored' });
        return;
      case 'resolved':
        if (queued) return;
        part.resolved = this.#resolution(change.by);
        this.#leave(message, part, { status: partStatus.resolved });
        return;
      default:
        change satisfies never;
    }
  }

  #queue(
    message: MessageRow,
    part: PartRow,
    change: PartChange & { readonly to: 'ready' | 'waiting' | 'blocked' },
  ): void {
    const { counters, state } = this.#tx;
    if (part.status >= partStatus.sent) {
      const isFirst = !hasQueued(message);
      counters.add(part.channel, part.destination, 'queued', 1);
      counters.add(part.channel, part.destination, 'open_errors', -1);
      counters.add(part.channel, 0, 'backlog', (part.size ?? 0) + (isFirst ? message.size : 0));
      const ofDay = this.#tx.daily.of(part.channel, part.day);
      ofDay.destination(part.destination).move('errored', 'queued');
      if (isFirst) ofDay.moved(message.type, 'errored', 'queued');
      part.queuedAt = state.now();
      this.#settled.delete(part.seq);
    }
    if (change.to !== 'blocked') part.attempts = change.attempts ?? part.attempts;
    part.retryAt = change.to === 'waiting' ? change.retryAt : null;
    if (change.to === 'waiting' && change.error) part.error = errorText(change.error);
    part.sentAt = null;
    part.status = partStatus[change.to];
    part.changed = true;
  }

  /** The part has left the queue, or an error of it was closed. */
  #leave(message: MessageRow, part: PartRow, to: Left): void {
    const { counters } = this.#tx;
    const { channel, destination } = part;
    const wasQueued = part.status < partStatus.sent;
    part.status = to.status;
    part.changed = true;
    if (to.status !== partStatus.resolved) {
      part.attempts = to.attempts ?? part.attempts;
      part.queuedAt = null;
      part.retryAt = null;
      part.sentAt = to.sentAt ?? null;
      part.error = to.error ? errorText(to.error) : null;
      part.reply = to.reply ?? part.reply;
    }
    if (wasQueued) {
      counters.add(channel, destination, 'queued', -1);
      counters.add(channel, 0, 'backlog', -(part.size ?? 0));
    } else {
      counters.add(channel, destination, 'open_errors', -1);
    }
    const { heading } = to;
    const before = wasQueued ? 'queued' : 'errored';
    const ofDay = this.#tx.daily.of(channel, part.day);
    if (heading) counters.add(channel, destination, heading, 1);
    if (heading === 'errored') counters.add(channel, destination, 'open_errors', 1);
    if (heading) ofDay.destination(destination).move(before, heading);
    if (hasQueued(message)) return;
    const isError = message.failed || message.parts.some(({ status }) => status > partStatus.sent);
    ofDay.moved(message.type, before, isError ? 'errored' : 'sent');
    if (wasQueued) counters.add(channel, 0, 'backlog', -message.size);
    this.#settled.add(part.seq);
  }

  write(): void {
    const { quoted } = this.#tx.state;
    const parts = [...this.#messages.values()].flatMap((message) => message.parts.filter(({ changed }) => changed));
    if (parts.length > 0) {
      const rows = parts.map(
        (part) =>
          `(${part.seq}::int8,${part.destination},${part.n},${part.status}::int2,${part.attempts},${part.queuedAt ?? 'NULL'}::int8,
           ${part.retryAt ?? 'NULL'}::int8,${part.sentAt ?? 'NULL'}::int8,${literal(part.error)},${literal(part.resolved)})`,
      );
      this.#tx.write(
        `UPDATE ${quoted}.part p SET status = v.status, attempts = v.attempts, queued_at = v.queued_at, retry_at = v.retry_at,
           sent_at = v.sent_at, error = v.error, resolved = v.resolved
         FROM (VALUES ${rows.join(',')}) v (seq, destination, n, status, attempts, queued_at, retry_at, sent_at, error, resolved)
         WHERE p.seq = v.seq AND p.destination = v.destination AND p.n = v.n`,
      );
    }
    this.#writeKeys(parts);
    this.#writeReplies(parts.filter(({ reply }) => reply !== undefined));
    for (const [seq, { resolved, changed }] of this.#messages)
      if (changed) this.#tx.write(`UPDATE ${quoted}.settlement SET resolved = ${literal(resolved)} WHERE seq = ${seq}`);
    this.#applyLevels();
  }

  #writeKeys(parts: readonly PartRow[]): void {
    const left = parts.filter(({ wasQueued, status }) => wasQueued && status >= partStatus.sent);
    const keys = left.flatMap(({ channel, destination, seq, n, keys: all }) =>
      all.map((key) => `(${channel},${destination},${literal(key)},${seq}::int8,${n})`),
    );
    if (keys.length > 0) {
      this.#tx.write(
        // One look in the index for each: where the table was empty at its last vacuum, the planner compares every row with every value.
        `DELETE FROM ${this.#tx.state.quoted}.part_key WHERE ctid = ANY (ARRAY(
           SELECT k.at FROM (VALUES ${keys.join(',')}) v (channel, destination, key, seq, n) CROSS JOIN LATERAL (
             SELECT k.ctid AS at FROM ${this.#tx.state.quoted}.part_key k
             WHERE k.channel = v.channel AND k.destination = v.destination AND k.key = v.key AND k.seq = v.seq AND k.n = v.n LIMIT 1) k))`,
      );
    }
    for (const { wasQueued, status, channel, destination, seq, n, keys: all } of parts) {
      if (wasQueued || status >= partStatus.sent) continue;
      for (const key of new Set(all)) writeKey(this.#tx, channel, destination, key, seq, n);
    }
  }

  #writeReplies(parts: readonly PartRow[]): void {
    if (parts.length === 0) return;
    const rows = parts.map(
      ({ seq, destination, n, reply }) => `(${seq},${destination},${n},${bytesLiteral(reply ?? new Uint8Array(0))})`,
    );
    this.#tx.write(
      `INSERT INTO ${this.#tx.state.quoted}.part_content (seq, destination, n, reply) VALUES ${rows.join(',')}
       ON CONFLICT (seq, destination, n) DO UPDATE SET reply = excluded.reply`,
    );
  }

  /** Rule 8. */
  #applyLevels(): void {
    const { quoted } = this.#tx.state;
    const atLevel = (level: string) =>
      [...this.#settled].filter((seq) => contentLevels[this.#messages.get(seq)?.keep ?? 0] === level);
    const [raw, metadata] = [atLevel('raw'), atLevel('metadata')];
    dropRaw(this.#tx, metadata);
    if (metadata.length > 0) {
      this.#tx.write(`DELETE FROM ${quoted}.part_content WHERE seq = ANY(${numbers(metadata, 'int8')})`);
    }
    if (raw.length > 0) {
      this.#tx.write(
        `DELETE FROM ${quoted}.part_content c USING ${quoted}.part p WHERE c.seq = ANY(${numbers(raw, 'int8')})
           AND p.seq = c.seq AND p.destination = c.destination AND p.n = c.n AND p.status <> ${partStatus.error}`,
      );
    }
  }

  #resolution({ actor, reason, ticket }: Reader): string {
    return JSON.stringify({ at: this.#tx.state.now(), actor, reason, ...(ticket === undefined ? {} : { ticket }) });
  }
}

/** How a part leaves the queue, or stops being an open error. */
interface Left {
  readonly status: number;
  readonly heading?: 'sent' | 'errored';
  readonly attempts?: number;
  readonly sentAt?: number;
  readonly error?: Parameters<typeof errorText>[0];
  readonly reply?: Uint8Array;
}

function partOf(channel: number, row: readonly (string | null)[]): PartRow {
  const [seq, destination, n, status, attempts, size, queuedAt, retryAt, sentAt, keys, error, resolved, day] = row;
  const number = (text: string | null | undefined) => (text === null || text === undefined ? null : Number(text));
  return {
    ...{ seq: Number(seq), destination: Number(destination), n: Number(n), channel, size: number(size) },
    ...{
      keys: keys ? (JSON.parse(keys) as string[]) : [],
      day: Number(day),
      wasQueued: Number(status) < partStatus.sent,
    },
    ...{ status: Number(status), attempts: Number(attempts), queuedAt: number(queuedAt), retryAt: number(retryAt) },
    ...{ sentAt: number(sentAt), error: error ?? null, resolved: resolved ?? null, reply: undefined, changed: false },
  };
}

function hasQueued({ parts }: MessageRow): boolean {
  return parts.some(({ status }) => status < partStatus.sent);
}
