import type { Answer } from '../../../clients/postgres/batch.ts';
import { numbers } from '../../../clients/postgres/quote.ts';
import type { PrunePolicy } from '../../../core/store/message-store.ts';
import { slotSpan } from './schema.ts';
import type { Transaction } from './transaction.ts';

/** Where a pruning has come to. */
export interface PruneCursor {
  readonly phase: 'later' | 'contents' | 'messages';
  readonly after: number;
}

export interface PruneStep {
  readonly contents: number;
  readonly messages: number;
  readonly next?: PruneCursor;
}

/** What one step needs. */
interface Step {
  readonly tx: Transaction;
  readonly channel: number;
  readonly policy: PrunePolicy;
  readonly limit: number;
  /** Seqs that are gone through, in order, those of one partition each: a statement is planned for that one alone. */
  readonly ranges: readonly Range[];
  /** The mark stays below it. */
  readonly sparedFrom: number;
}

/** Both inclusive. */
export interface Range {
  readonly first: number;
  readonly last: number;
}

type Row = readonly [seq: number, receivedAt: number, needed: boolean];

export function slotRange(slot: number): Range {
  return { first: slot * slotSpan, last: (slot + 1) * slotSpan - 1 };
}

/**
 * Deletes in steps of some rows, each in a commit of its own beside live traffic: messages that an earlier pruning had to leave
 * (`later`), content above the channel's mark, and whole messages from the channel's first. As messages are received in order of seq
 * it ends a list at the first step without an old one.
 */
export async function pruneStep(step: Step, cursor: PruneCursor): Promise<PruneStep> {
  switch (cursor.phase) {
    case 'later':
      return await leftBefore(step, cursor.after);
    case 'contents':
      return await contents(step, cursor.after);
    case 'messages':
      return await messages(step, cursor.after);
    default:
      return cursor.phase satisfies never;
  }
}

async function leftBefore({ tx, channel, policy, limit }: Step, after: number): Promise<PruneStep> {
  const { quoted } = tx.state;
  const [later = []] = await tx.read(
    `SELECT seq FROM ${quoted}.prune_later WHERE channel = ${channel} AND seq > ${after} ORDER BY seq LIMIT ${limit}`,
  );
  const those = numbers(
    later.map(([seq]) => Number(seq)),
    'int8',
  );
  const [found = []] =
    later.length === 0
      ? []
      : await tx.read(
          `SELECT seq, received_at FROM ${quoted}.message WHERE channel = ${channel} AND seq = ANY(${those}) ORDER BY seq`,
        );
  const rows = await candidates(tx, found);
  const free = rows
    .filter(([, receivedAt, needed]) => receivedAt < policy.contentBefore && !needed)
    .map(([seq]) => seq);
  const deleted = await deleteContent(tx, free);
  if (free.length > 0) {
    tx.write(`DELETE FROM ${quoted}.prune_later WHERE channel = ${channel} AND seq = ANY(${numbers(free, 'int8')})`);
  }
  const last = later.length < limit ? undefined : later.at(-1);
  return {
    ...{ contents: deleted, messages: 0 },
    next: last ? { phase: 'later', after: Number(last[0]) } : { phase: 'contents', after: 0 },
  };
}

async function contents(step: Step, after: number): Promise<PruneStep> {
  const { tx, channel, policy, limit, sparedFrom } = step;
  const { quoted } = tx.state;
  const [[marked] = []] = await tx.read(`SELECT seq FROM ${quoted}.prune_mark WHERE channel = ${channel}`);
  const mark = Number(marked ?? 0);
  const rows = await candidates(tx, await above(step, Math.max(mark, after), policy.contentBefore));
  const free: number[] = [];
  const later: number[] = [];
  let newMark = mark;
  let passed = true;
  for (const [seq, receivedAt, needed] of rows) {
    const old = receivedAt < policy.contentBefore;
    passed &&= old;
    if (!old) continue;
    if (!needed) free.push(seq);
    else if (passed) later.push(seq);
    if (passed) newMark = seq;
  }
  const deleted = await deleteContent(tx, free);
  if (later.length > 0) {
    tx.write(
      `INSERT INTO ${quoted}.prune_later SELECT ${channel}, unnest(${numbers(later, 'int8')}) ON CONFLICT DO NOTHING`,
    );
  }
  // What is spared may have to be gone through after all, later.
  newMark = Math.min(newMark, sparedFrom - 1);
  if (newMark > mark) {
    tx.write(`UPDATE ${quoted}.prune_mark SET seq = greatest(seq, ${newMark}) WHERE channel = ${channel}`);
  }
  const more = passed && rows.length === limit;
  const last = rows.at(-1);
  return {
    ...{ contents: deleted, messages: 0 },
    next: more && last ? { phase: 'contents', after: last[0] } : { phase: 'messages', after: 0 },
  };
}

async function messages(step: Step, after: number): Promise<PruneStep> {
  const { tx, channel, policy, limit } = step;
  const { quoted } = tx.state;
  const rows = await candidates(tx, await above(step, after, policy.messagesBefore));
  const old = rows.filter(([, receivedAt]) => receivedAt < policy.messagesBefore);
  const free = old.filter(([, , needed]) => !needed).map(([seq]) => seq);
  const deleted = await deleteContent(tx, free);
  if (free.length > 0) {
    const those = `seq = ANY(${numbers(free, 'int8')})`;
    for (const table of ['part', 'settlement', 'dedupe']) tx.write(`DELETE FROM ${quoted}.${table} WHERE ${those}`);
    tx.write(`DELETE FROM ${quoted}.message WHERE channel = ${channel} AND ${those}`);
    tx.write(`DELETE FROM ${quoted}.prune_later WHERE channel = ${channel} AND ${those}`);
  }
  const last = rows.at(-1);
  const more = last && rows.length === limit && old.length > 0;
  return {
    ...{ contents: deleted, messages: free.length },
    ...(more ? { next: { phase: 'messages', after: last[0] } } : {}),
  };
}

/** The next messages, up to `limit`, and not far beyond the first that was received at a time or later. */
async function above({ tx, channel, limit, ranges }: Step, after: number, before: number): Promise<Answer> {
  const found: Answer[number][] = [];
  for (const { first, last } of ranges) {
    if (last <= after) continue;
    const [rows = []] = await tx.read(
      `SELECT seq, received_at FROM ${tx.state.quoted}.message WHERE channel = ${channel}
         AND seq > ${Math.max(after, first - 1)} AND seq <= ${last} ORDER BY seq LIMIT ${limit - found.length}`,
    );
    found.push(...rows);
    if (found.length >= limit || Number(found.at(-1)?.[1] ?? 0) >= before) break;
  }
  return found;
}

/** With whether each is needed: unsettled, queued, or an open error. */
async function candidates(tx: Transaction, rows: Answer): Promise<readonly Row[]> {
  const { quoted } = tx.state;
  const seqs = numbers(
    rows.map(([seq]) => Number(seq)),
    'int8',
  );
  if (rows.length === 0) return [];
  const [settled = [], open = []] = await tx.read(
    `SELECT seq FROM ${quoted}.settlement WHERE seq = ANY(${seqs}) AND (error IS NULL OR resolved IS NOT NULL)`,
    `SELECT DISTINCT seq FROM ${quoted}.part WHERE seq = ANY(${seqs}) AND status IN (0, 1, 2, 4)`,
  );
  const isSettled = new Set(settled.map(([seq]) => seq));
  const isOpen = new Set(open.map(([seq]) => seq));
  return rows.map(([seq, receivedAt]) => [
    Number(seq),
    Number(receivedAt),
    !isSettled.has(seq ?? null) || isOpen.has(seq ?? null),
  ]);
}

/** Resolves with how many of them had any. */
async function deleteContent(tx: Transaction, seqs: readonly number[]): Promise<number> {
  if (seqs.length === 0) return 0;
  const { quoted } = tx.state;
  const those = `WHERE seq = ANY(${numbers(seqs, 'int8')})`;
  const answers = await tx.read(
    ...['raw', 'contents', 'part_content', 'attachment'].map(
      (table) => `DELETE FROM ${quoted}.${table} ${those} RETURNING seq`,
    ),
  );
  return new Set(answers.flat().map(([seq]) => seq)).size;
}
