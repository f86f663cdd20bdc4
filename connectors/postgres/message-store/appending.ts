import { numbers, texts } from '../../../clients/postgres/quote.ts';
import { detach } from '../../../core/store/attachments.ts';
import type { Appended, MessageStatus, NewMessage } from '../../../core/store/message-store.ts';
import { partStatusName } from '../../../core/store/shape.ts';
import { standing } from '../../../core/store/standing.ts';
import { errorText, preparedMeta } from './prepared.ts';
import { slotOf } from './schema.ts';
import type { Transaction } from './transaction.ts';

export interface Append {
  readonly channel: string;
  readonly batch: readonly NewMessage[];
}

/** An earlier message with the same dedupe key and content. */
interface Original {
  readonly id: string;
  readonly seq: number;
}

/** How messages stand by settlements of this commit that were called before an append. */
export type StandingNow = (seq: number) => MessageStatus | undefined;

/** How many seqs the appends take. */
export function seqsOf(appends: readonly Append[]): number {
  return appends.reduce((count, { batch }) => count + batch.length, 0);
}

/** `seqs` in call order. Answers each append, in order. */
export async function append(
  tx: Transaction,
  appends: readonly Append[],
  seqs: readonly number[],
  attachmentBytes: number,
  standingNow: StandingNow,
): Promise<readonly (readonly Appended[])[]> {
  const { quoted } = tx.state;
  for (const slot of new Set(seqs.map(slotOf))) await tx.state.ensureSlot(slot);
  const duplicates = await findDuplicates(tx, appends, seqs);
  const statuses = await statusesOf(tx, quoted, duplicates, standingNow);
  const answers = writeMessages(tx, appends, seqs, attachmentBytes, duplicates, statuses);
  tx.pushMuch();
  writeContents(tx, appends, seqs, attachmentBytes, duplicates);
  tx.pushMuch();
  return answers;
}

/** Messages, first passes to come, and counts. */
function writeMessages(
  tx: Transaction,
  appends: readonly Append[],
  seqs: readonly number[],
  attachmentBytes: number,
  duplicates: ReadonlyMap<number, Original>,
  statuses: ReadonlyMap<number, MessageStatus>,
): readonly (readonly Appended[])[] {
  let at = 0;
  return appends.map(({ channel, batch }) => {
    const number = tx.state.names.id(channel);
    let unrouted = 0;
    let backlog = 0;
    let received = 0;
    const answers = batch.map((message): Appended => {
      const seq = seqs[at++]!;
      const original = duplicates.get(seq);
      if (original) {
        tx.counters.add(number, 0, 'duplicates', 1);
        tx.daily.of(number, tx.daily.day(message.receivedAt)).messages.duplicates++;
        return { duplicateOf: { ...original, status: statuses.get(original.seq) ?? 'received' } };
      }
      received++;
      const day = tx.daily.day(message.receivedAt);
      tx.daily.of(number, day).messages.add(message.fault ? 'errored' : 'queued');
      writeMessage(tx, number, seq, message, attachmentBytes);
      if (message.fault) {
        writeFault(tx, number, seq, message);
      } else {
        tx.arrive(number, seq, message.raw.length, day);
        unrouted++;
        backlog += message.raw.length;
      }
      return { seq };
    });
    if (received > 0) tx.counters.add(number, 0, 'received', received);
    if (unrouted > 0) tx.counters.add(number, 0, 'unrouted', unrouted);
    if (backlog > 0) tx.counters.add(number, 0, 'backlog', backlog);
    return answers;
  });
}

/** What was received, apart from the rest so that the database stores the messages meanwhile. */
function writeContents(
  tx: Transaction,
  appends: readonly Append[],
  seqs: readonly number[],
  attachmentBytes: number,
  duplicates: ReadonlyMap<number, Original>,
): void {
  let at = 0;
  for (const { batch } of appends) {
    for (const message of batch) {
      const seq = seqs[at++]!;
      if (duplicates.has(seq)) continue;
      const { rest, attachments } = detached(message, attachmentBytes);
      tx.stored('raw', seq).pieces(rest);
      for (const { start, bytes } of attachments) {
        const piece = tx.copies.of('attachment', seq);
        piece.row();
        piece.int8(seq);
        piece.int4(start);
        piece.bytea(bytes);
      }
    }
  }
}

function detached({ raw, large }: NewMessage, attachmentBytes: number): ReturnType<typeof detach> {
  return large?.length ? detach(raw, large, attachmentBytes) : { rest: [raw], attachments: [] };
}

function writeMessage(
  tx: Transaction,
  channel: number,
  seq: number,
  message: NewMessage,
  attachmentBytes: number,
): void {
  const { raw } = message;
  const attached = message.large !== undefined && detached(message, attachmentBytes).attachments.length > 0;
  const meta = preparedMeta(tx.state.names, message.meta);
  const row = tx.stored('message', seq);
  row.int4(channel);
  row.uuid(message.id);
  row.int8(message.receivedAt);
  row.int4(raw.length);
  row.int4(tx.state.hub);
  row.int4(meta.fields);
  row.text(meta.values);
  row.text(message.key ?? null);
  row.uuid(message.replayOf ?? null);
  row.text(message.only ? JSON.stringify(message.only) : null);
  row.int2(attached ? 1 : null);
}

/** A fault is settled as it arrives, as an open error. */
function writeFault(tx: Transaction, channel: number, seq: number, { fault }: NewMessage): void {
  const row = tx.copies.of('settlement', seq);
  row.row();
  row.int8(seq);
  row.int4(channel);
  for (let column = 0; column < 3; column++) row.null();
  row.int2(0);
  for (let column = 0; column < 5; column++) row.null();
  row.text(fault ? errorText(fault) : null);
  tx.counters.add(channel, 0, 'errored', 1);
  tx.counters.add(channel, 0, 'open_errors', 1);
}

/**
 * Rule 14: stores the dedupe keys, and finds by the seq of each repetition what it repeats. A key that another hub is just storing is
 * waited for; keys go in sorted, so that two hubs never wait for each other.
 */
async function findDuplicates(
  tx: Transaction,
  appends: readonly Append[],
  seqs: readonly number[],
): Promise<ReadonlyMap<number, Original>> {
  const { names, quoted } = tx.state;
  const found = new Map<number, Original>();
  const firsts = new Map<string, { channel: number; key: string; hash: string; seq: number; id: string }>();
  const repeats: { readonly name: string; readonly seq: number }[] = [];
  let at = 0;
  for (const { channel, batch } of appends) {
    const number = names.id(channel);
    for (const { dedupe, id } of batch) {
      const seq = seqs[at++]!;
      if (!dedupe) continue;
      const name = JSON.stringify([number, dedupe.key, dedupe.contentHash]);
      if (firsts.has(name)) repeats.push({ name, seq });
      else firsts.set(name, { channel: number, key: dedupe.key, hash: dedupe.contentHash, seq, id });
    }
  }
  if (firsts.size === 0) return found;
  const rows = [...firsts.values()].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.seq - b.seq));
  const given = `unnest(${numbers(
    rows.map(({ channel }) => channel),
    'int4',
  )}, ${texts(rows.map(({ key }) => key))},
    ${texts(rows.map(({ hash }) => hash))}, ${numbers(
      rows.map(({ seq }) => seq),
      'int8',
    )},
    ${texts(rows.map(({ id }) => id))}::uuid[]) AS g (channel, key, hash, seq, id)`;
  const [reused = [], , same = []] = await tx.read(
    // Keys that are there with other content only.
    `SELECT g.seq FROM ${given} WHERE EXISTS (SELECT 1 FROM ${quoted}.dedupe d WHERE d.channel = g.channel AND d.key = g.key)
       AND NOT EXISTS (SELECT 1 FROM ${quoted}.dedupe d WHERE d.channel = g.channel AND d.key = g.key AND d.hash = g.hash)`,
    `INSERT INTO ${quoted}.dedupe (channel, key, hash, seq, id) SELECT * FROM ${given} ON CONFLICT DO NOTHING`,
    `SELECT g.seq, d.seq, d.id FROM ${given} JOIN ${quoted}.dedupe d
       ON d.channel = g.channel AND d.key = g.key AND d.hash = g.hash WHERE d.seq <> g.seq`,
  );
  const original = new Map<number, Original>();
  for (const [seq, of, id] of same) original.set(Number(seq), { seq: Number(of), id: id ?? '' });
  const keysHere = new Set<string>();
  const isReused = new Set(reused.map(([seq]) => Number(seq)));
  for (const { channel, key, seq } of firsts.values()) {
    const earlier = original.get(seq);
    const name = JSON.stringify([channel, key]);
    if (earlier) found.set(seq, earlier);
    else if (isReused.has(seq) || keysHere.has(name)) tx.counters.add(channel, 0, 'reused_keys', 1);
    keysHere.add(name);
  }
  for (const { name, seq } of repeats) {
    const first = firsts.get(name)!;
    found.set(seq, original.get(first.seq) ?? { seq: first.seq, id: first.id });
  }
  return found;
}

/** How the originals of duplicates stand. */
async function statusesOf(
  tx: Transaction,
  quoted: string,
  duplicates: ReadonlyMap<number, Original>,
  standingNow: StandingNow,
): Promise<ReadonlyMap<number, MessageStatus>> {
  const statuses = new Map<number, MessageStatus>();
  const seqs = [...new Set([...duplicates.values()].map(({ seq }) => seq))];
  if (seqs.length === 0) return statuses;
  const [settled = [], parts = []] = await tx.read(
    `SELECT seq, shape, shape_text, error IS NOT NULL FROM ${quoted}.settlement WHERE seq = ANY(${numbers(seqs, 'int8')})`,
    `SELECT seq, status FROM ${quoted}.part WHERE seq = ANY(${numbers(seqs, 'int8')})`,
  );
  for (const [seq, shape, text, failed] of settled) {
    const plain =
      shape === null && text === null ? [] : tx.state.names.shape(shape === null ? (text ?? '') : Number(shape));
    statuses.set(
      Number(seq),
      standing(failed === 't', [
        ...plain.flatMap(({ status }) => (status === 'detailed' ? [] : [{ status }])),
        ...parts.filter(([of]) => of === seq).map(([, status]) => ({ status: partStatusName(Number(status)) })),
      ]),
    );
  }
  for (const seq of seqs) {
    const now = standingNow(seq);
    if (now !== undefined) statuses.set(seq, now);
  }
  return statuses;
}
