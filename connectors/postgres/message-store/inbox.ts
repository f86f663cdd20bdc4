import { numbers } from '../../../clients/postgres/quote.ts';
import type { Value } from '../../../clients/postgres/session.ts';
import { attach } from '../../../core/store/attachments.ts';
import type { Recovered } from '../../../core/store/message-store.ts';
import type { SharedMessage } from '../../../core/store/shared-store.ts';
import { metaOf } from './queue.ts';
import type { Transaction } from './transaction.ts';

type Ask = Pick<Transaction, 'ask'>;

/** Messages whose first pass has not ended, in order of seq. */
export async function unrouted(
  tx: Transaction,
  channel: string,
  after: number,
  limit: number,
  maxBytes: number,
  known: readonly number[] = [],
): Promise<readonly SharedMessage[]> {
  const { names, quoted, epoch } = tx.state;
  const others = known.length === 0 ? '' : `AND seq <> ALL(${numbers(known, 'int8')})`;
  const rows = await tx.ask(
    `SELECT seq, size, recoveries, epoch FROM ${quoted}.unrouted WHERE channel = $1 AND seq > $2 ${others} ORDER BY seq LIMIT $3`,
    [names.known(channel), after, limit],
  );
  let bytes = 0;
  const end = rows.findIndex((row) => (bytes += Number(row[1])) >= maxBytes);
  const page = end < 0 ? rows : rows.slice(0, end + 1);
  if (page.length === 0) return [];
  const seqs = page.map(([seq]) => Number(seq));
  const messages = new Map<number, readonly Value[]>();
  const found = await tx.ask(
    `SELECT seq, id, received_at, meta_fields, meta, key, replay_of, only_to, attached FROM ${quoted}.message
     WHERE channel = $1 AND seq = ANY(${numbers(seqs, 'int8')})`,
    [names.known(channel)],
  );
  for (const row of found) messages.set(Number(row[0]), row);
  const raws = await rawBytes(
    tx,
    quoted,
    seqs.map((seq) => ({ seq, attached: messages.get(seq)?.[8] === 1 })),
  );
  return page.flatMap((row): SharedMessage[] => {
    const seq = Number(row[0]);
    const message = messages.get(seq);
    if (!message) return [];
    const [, id, receivedAt, fields, meta, key, replayOf, only] = message;
    return [
      {
        ...{ id: String(id), seq, raw: raws.get(seq) ?? new Uint8Array(0), meta: metaOf(names, fields, meta) ?? {} },
        receivedAt: Number(receivedAt),
        ...(key === null ? {} : { key: String(key) }),
        ...(replayOf === null ? {} : { replayOf: String(replayOf) }),
        ...(only === null ? {} : { only: JSON.parse(String(only)) as string[] }),
        recoveries: Number(row[2]),
        own: Number(row[3]) === epoch,
      },
    ];
  });
}

/** Raw bytes of messages by seq, attachments put back; none where the content level or pruning left none. */
export async function rawBytes(
  from: Ask,
  quoted: string,
  messages: readonly { readonly seq: number; readonly attached: boolean }[],
): Promise<ReadonlyMap<number, Uint8Array>> {
  const raws = new Map<number, Uint8Array>();
  const all = numbers(
    messages.map(({ seq }) => seq),
    'int8',
  );
  for (const [seq, bytes] of await from.ask(`SELECT seq, bytes FROM ${quoted}.raw WHERE seq = ANY(${all})`, []))
    raws.set(Number(seq), bytes as Uint8Array);
  for (const { seq, attached } of messages) {
    const rest = raws.get(seq);
    if (!attached || !rest) continue;
    const rows = await from.ask(`SELECT start, bytes FROM ${quoted}.attachment WHERE seq = $1 ORDER BY start`, [seq]);
    raws.set(
      seq,
      attach(
        rest,
        rows.map(([start, bytes]) => ({ start: Number(start), bytes: bytes as Uint8Array })),
      ),
    );
  }
  return raws;
}

/** Counts each message from before this opening once: `counted` is the last opening that did. */
export async function countRecoveries(tx: Transaction, channel: string, limit: number): Promise<readonly Recovered[]> {
  const { names, quoted, epoch } = tx.state;
  const lowest = `SELECT seq FROM ${quoted}.unrouted WHERE channel = $1 AND epoch <> $2 ORDER BY seq LIMIT $3`;
  const values = [names.known(channel), epoch, limit];
  await tx.ask(
    `UPDATE ${quoted}.unrouted SET recoveries = recoveries + 1, counted = $2
     WHERE channel = $1 AND counted <> $2 AND seq IN (${lowest})`,
    values,
  );
  const rows = await tx.ask(
    `SELECT seq, recoveries FROM ${quoted}.unrouted WHERE channel = $1 AND seq IN (${lowest}) ORDER BY seq`,
    values,
  );
  return rows.map(([seq, recoveries]) => ({ seq: Number(seq), recoveries: Number(recoveries) }));
}
