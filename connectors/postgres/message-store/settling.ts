import type { Answer } from '../../../clients/postgres/batch.ts';
import { numbers } from '../../../clients/postgres/quote.ts';
import type { Fence } from '../../../core/store/leases.ts';
import type { MessageStatus, Settlement } from '../../../core/store/message-store.ts';
import { contentLevels, partStatus } from '../../../core/store/shape.ts';
import { standing } from '../../../core/store/standing.ts';
import type { Unrouted } from './foresight.ts';
import { type DetailedPart, errorText, type PreparedSettlement } from './prepared.ts';
import { inForce } from './shared.ts';
import type { Transaction } from './transaction.ts';

export interface Settle {
  /** Its number. */
  readonly channel: number;
  readonly batch: readonly PreparedSettlement[];
}

/** A settlement of messages, as it was called. */
interface Routing {
  readonly channel: string;
  readonly batch: readonly Settlement[];
  readonly fence: Fence | undefined;
}

/**
 * Asks for those of the messages that are not routed: a message that another call has settled is none. One that is settled by another
 * hub at the same moment is found by the key of its settlement. Where the lease of a call is not in force any more none are, so that
 * this can be asked with the question whether it is.
 */
export function routingStatements(tx: Transaction, settles: readonly Routing[]): readonly string[] {
  const { quoted, names } = tx.state;
  const together = new Map<string, { readonly channel: number; readonly fence: Fence | undefined; seqs: number[] }>();
  for (const { channel: name, batch, fence } of settles) {
    const channel = names.id(name);
    const group = `${channel} ${fence?.epoch} ${fence?.lease}`;
    let found = together.get(group);
    if (!found) together.set(group, (found = { channel, fence, seqs: [] }));
    for (const { seq } of batch) found.seqs.push(seq);
  }
  return [...together.values()]
    .filter(({ seqs }) => seqs.length > 0)
    .map(({ channel, fence, seqs }) => {
      const those = numbers(seqs, 'int8');
      const only = fence ? `AND EXISTS (${inForce(tx.state, [fence])})` : '';
      return `SELECT m.seq, m.size, a.day, ${channel} FROM ${quoted}.message m CROSS JOIN LATERAL (
          SELECT first, day FROM ${quoted}.arrived WHERE channel = ${channel} AND last >= m.seq ORDER BY last LIMIT 1) a
        WHERE m.channel = ${channel} AND m.seq = ANY (${those}) AND a.first <= m.seq ${only}
          AND NOT EXISTS (SELECT FROM ${quoted}.settlement s WHERE s.seq = m.seq AND s.seq = ANY (${those}))`;
    });
}

/** Reads the answers to `routingStatements`. */
export function routedOf(rows: Answer): Map<number, Unrouted> {
  const routed = new Map<number, Unrouted>();
  for (const [seq, size, day, channel] of rows)
    routed.set(Number(seq), { size: Number(size), day: Number(day), channel: Number(channel) });
  return routed;
}

/** Writes the settlements of messages that were not routed, `those`. */
export function settle(tx: Transaction, settles: readonly Settle[], those: ReadonlyMap<number, Unrouted>): void {
  const routed = new Map(those);
  const withoutRaw: number[] = [];
  const contents: PreparedSettlement[] = [];
  for (const { channel, batch } of settles) {
    for (const prepared of batch) {
      const { seq } = prepared.settlement;
      const found = routed.get(seq);
      if (found?.channel !== channel) continue;
      routed.delete(seq);
      tx.routed.push(seq);
      settleOne(tx, channel, prepared, found);
      if (prepared.packed && prepared.settlement.content === 'full') contents.push(prepared);
      if (contentLevels[prepared.keep] === 'metadata' && prepared.queued === 0) withoutRaw.push(seq);
    }
  }
  dropRaw(tx, withoutRaw);
  sweep(tx, settles, those);
  if (contents.length === 0) return;
  // The database stores the settlements while their contents are written here.
  tx.pushMuch();
  for (const { settlement, packed } of contents) {
    const row = tx.copies.of('contents', settlement.seq);
    row.row();
    row.int8(settlement.seq);
    row.pieces(packed ?? []);
  }
}

/** Forgets what arrived with messages that others stored, where all of it is settled now; of its own a hub knows when that is. */
function sweep(tx: Transaction, settles: readonly Settle[], those: ReadonlyMap<number, Unrouted>): void {
  const seqs = new Map<number, number[]>();
  for (const { channel, batch } of settles)
    for (const { settlement } of batch) {
      const found = those.get(settlement.seq);
      if (!found || found.arrived) continue;
      const all = seqs.get(channel);
      if (all) all.push(settlement.seq);
      else seqs.set(channel, [settlement.seq]);
    }
  for (const [channel, all] of seqs) tx.write(`SELECT ${tx.state.quoted}.sweep(${channel}, ${numbers(all, 'int8')})`);
}

/** How a message stands after its first pass. */
export function standingAfter({ settlement }: PreparedSettlement): MessageStatus {
  return standing(settlement.error !== undefined, settlement.parts);
}

export function dropRaw(tx: Transaction, seqs: readonly number[]): void {
  if (seqs.length === 0) return;
  const those = `WHERE seq = ANY(${numbers(seqs, 'int8')})`;
  tx.write(`DELETE FROM ${tx.state.quoted}.raw ${those}`);
  tx.write(`DELETE FROM ${tx.state.quoted}.attachment ${those}`);
}

function settleOne(tx: Transaction, channel: number, prepared: PreparedSettlement, { size, day }: Unrouted): void {
  const { settlement, shape, details, queued } = prepared;
  const { seq, error, type = null } = settlement;
  const level = settlement.content;
  const ofDay = tx.daily.of(channel, day);
  const plain = details.length === 0 && error === undefined && shape !== 0;
  writeSettlement(tx, channel, prepared);
  let sent = false;
  let failed = error !== undefined;
  if (plain) ofDay.passed(type, shape);
  else sent = count(tx, channel, day, prepared);
  for (const part of details) {
    failed ||= part.status === 'error';
    sent ||= part.status === 'sent';
    const kept = level === 'full' || queued > 0 || (level === 'raw' && part.status === 'error');
    writePart(tx, channel, seq, day, part, kept);
  }
  if (!plain) ofDay.routed(type, queued > 0 ? 'queued' : failed ? 'errored' : sent ? 'sent' : 'filtered');
  if (queued === 0) tx.counters.add(channel, 0, 'backlog', -size);
}

function writeSettlement(tx: Transaction, channel: number, prepared: PreparedSettlement): void {
  const { settlement, shape } = prepared;
  const row = tx.copies.of('settlement', settlement.seq);
  row.row();
  row.int8(settlement.seq);
  row.int4(channel);
  row.int4(prepared.version);
  row.int4(shape === 0 ? null : shape);
  row.text(shape === 0 ? prepared.shapeText : null);
  row.int2(prepared.keep);
  row.int8(prepared.sentAt);
  row.text(settlement.type ?? null);
  row.text(prepared.times);
  row.int4(prepared.meta.fields);
  row.text(prepared.meta.values);
  row.text(settlement.error ? errorText(settlement.error) : null);
}

/** Counts what has no row of its own. Whether a part of it was sent. */
function count(
  tx: Transaction,
  channel: number,
  day: number,
  { settlement, shape, shapeText }: PreparedSettlement,
): boolean {
  const parts = tx.state.names.shape(shape === 0 ? shapeText : shape);
  let sent = false;
  tx.counters.add(channel, 0, 'unrouted', -1);
  if (settlement.error) {
    tx.counters.add(channel, 0, 'errored', 1);
    tx.counters.add(channel, 0, 'open_errors', 1);
  } else if (parts.length === 0) {
    tx.counters.add(channel, 0, 'filtered', 1);
  }
  for (const { destination, status } of parts) {
    if (status === 'detailed') continue;
    tx.counters.add(channel, destination, status, 1);
    tx.daily.of(channel, day).destination(destination).add(status);
    sent ||= status === 'sent';
  }
  return sent;
}

function writePart(
  tx: Transaction,
  channel: number,
  seq: number,
  day: number,
  part: DetailedPart,
  kept: boolean,
): void {
  const destination = tx.state.names.id(part.destination);
  const queued = part.status === 'queued';
  const status = queued ? partStatus[part.queued] : partStatus[part.status];
  const keys = part.status === 'sent' ? null : part.keys;
  const bytes = kept ? (part.bytes ?? null) : null;
  const reply = kept && !queued ? (part.reply ?? null) : null;
  const error = part.status === 'sent' ? undefined : part.error;
  const row = tx.copies.of('part', seq);
  row.row();
  row.int8(seq);
  row.int4(destination);
  row.int4(part.n);
  row.int4(channel);
  row.int2(status);
  row.int4(part.attempts);
  row.int4(bytes?.length ?? null);
  row.int8(queued ? tx.state.now() : null);
  row.int8(queued && part.queued === 'waiting' ? (part.retryAt ?? null) : null);
  row.int8(part.status === 'sent' ? part.sentAt : null);
  row.text(keys && JSON.stringify(keys));
  row.text(error ? errorText(error) : null);
  row.int4(day);
  if (bytes || reply) {
    const content = tx.copies.of('part_content', seq);
    content.row();
    content.int8(seq);
    content.int4(destination);
    content.int4(part.n);
    content.bytea(bytes);
    content.bytea(reply);
  }
  const heading = queued ? 'queued' : part.status === 'error' ? 'errored' : 'sent';
  tx.daily.of(channel, day).destination(destination).add(heading);
  tx.counters.add(channel, destination, heading, 1);
  if (part.status === 'error') tx.counters.add(channel, destination, 'open_errors', 1);
  if (!queued) return;
  tx.counters.add(channel, 0, 'backlog', bytes?.length ?? 0);
  for (const key of new Set(keys)) writeKey(tx, channel, destination, key, seq, part.n);
}

/** A row for a part that is in the queue under a key. */
export function writeKey(
  tx: Transaction,
  channel: number,
  destination: number,
  key: string,
  seq: number,
  n: number,
): void {
  const row = tx.copies.of('part_key', seq);
  row.row();
  row.int4(channel);
  row.int4(destination);
  row.text(key);
  row.int8(seq);
  row.int4(n);
}
