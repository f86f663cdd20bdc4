import type { Answer } from '../../../clients/postgres/batch.ts';
import { numbers } from '../../../clients/postgres/quote.ts';
import { bytesOf } from '../../../clients/postgres/session.ts';
import { attach } from '../../../core/store/attachments.ts';
import type { Recovered, StoredMessage } from '../../../core/store/message-store.ts';
import type { SharedMessage, SharedPage } from '../../../core/store/shared-store.ts';
import type { AskMore, Read } from './calls.ts';
import type { Arrived } from './counted.ts';
import { metaOf } from './queue.ts';
import type { StoreState, Transaction } from './transaction.ts';

type Ask = Pick<Transaction, 'ask'>;

/** A page of messages whose first pass has not ended. */
export interface UnroutedPage {
  readonly channel: string;
  readonly limit: number;
  readonly maxBytes: number;
}

/** Reads them in order of seq, without those that are known, and those that were stored by calls after it at most. */
export function unrouted(state: StoreState, page: UnroutedPage, { of, known }: Pick<SharedPage, 'of' | 'known'>): Read {
  const { channel } = page;
  const notOf = of === 'foreign' ? state.epoch : 0;
  let asked: Asked = { ...page, after: 0, known: [] };
  const question = () => {
    asked = { ...page, after: state.horizon.of(state.names.known(channel)), known: known() };
    return questionFor(state, asked, notOf);
  };
  return { kind: 'read', channel, last: true, question, read: (rows, ask) => readUnrouted(state, asked, rows, ask) };
}

/** Reads them in order of seq, above one, and none that is stored by a call after it. */
export function unroutedAfter(state: StoreState, page: UnroutedPage & { readonly after: number }): Read {
  const asked = { ...page, known: [] };
  return {
    ...{ kind: 'read', channel: page.channel, last: false },
    question: () => questionFor(state, asked, 0),
    read: async (rows, ask) => {
      const messages = await readUnrouted(state, asked, rows, ask);
      return messages.map(({ own: _, ...message }): StoredMessage => message);
    },
  };
}

/** How a page was asked for. */
interface Asked extends UnroutedPage {
  readonly after: number;
  readonly known: readonly number[];
}

function questionFor(
  { quoted, names }: StoreState,
  { channel, after, known, limit, maxBytes }: Asked,
  notOf: number,
): string {
  const bytes = Math.min(maxBytes, Number.MAX_SAFE_INTEGER);
  return `SELECT * FROM ${quoted}.unrouted_page(${[names.known(channel), after, numbers(known, 'int8'), notOf, limit, bytes].join(',')})`;
}

async function readUnrouted(
  state: StoreState,
  asked: Asked,
  rows: Answer,
  ask: AskMore,
): Promise<readonly SharedMessage[]> {
  const { quoted, names, epoch } = state;
  const attached = rows.filter((row) => row[14] === '1').map(([seq]) => ({ seq: Number(seq), attached: true }));
  const whole = attached.length === 0 ? undefined : await rawBytes({ ask }, quoted, attached);
  foreseeRouting(state, asked, rows);
  return rows.map((row): SharedMessage => {
    const [, , , , , of, recoveries, id, receivedAt, fields, meta, key, replayOf, only, , bytes] = row;
    const seq = Number(row[0]);
    const raw = whole?.get(seq) ?? (typeof bytes === 'string' ? bytesOf(bytes) : new Uint8Array(0));
    return {
      ...{ id: String(id), seq, raw, meta: metaOf(names, fields, meta) ?? {}, receivedAt: Number(receivedAt) },
      ...(typeof key === 'string' && { key }),
      ...(typeof replayOf === 'string' && { replayOf }),
      ...(typeof only === 'string' && { only: JSON.parse(only) as string[] }),
      recoveries: Number(recoveries),
      own: Number(of) === epoch,
    };
  });
}

interface Together {
  readonly arrived: Arrived;
  isWhole: boolean;
}

/**
 * What is read is not settled. Where the page has all that is not of what arrived together, the hub knows by itself when the last of
 * that is settled; of the rest the database has to look.
 */
function foreseeRouting({ names, foresight }: StoreState, { channel, after, known }: Asked, rows: Answer): void {
  const ofChannel = names.known(channel);
  const all: Together[] = [];
  const messages = rows.map(([seq, first, last, size, day, , recoveries]) => {
    let together = all.at(-1);
    if (together?.arrived.last !== Number(last)) {
      const arrived = { channel: ofChannel, day: Number(day), first: Number(first), last: Number(last), left: 0 };
      all.push((together = { arrived, isWhole: arrived.first > after }));
    }
    together.arrived.left++;
    together.isWhole &&= recoveries === '0';
    return { seq: Number(seq), size: Number(size), together };
  });
  const end = messages.at(-1);
  if (end && end.seq !== end.together.arrived.last) end.together.isWhole = false;
  let at = 0;
  for (const seq of known.toSorted((a, b) => a - b)) {
    while (all[at] && all[at]!.arrived.last < seq) at++;
    const together = all[at];
    if (!together) break;
    if (together.arrived.first > seq) continue;
    together.isWhole = false;
    foresight.mingles(seq);
  }
  for (const { seq, size, together } of messages) {
    const { arrived, isWhole } = together;
    foresight.read(seq, { channel: ofChannel, size, day: arrived.day, arrived: isWhole ? arrived : undefined });
  }
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

/** Counts each message from before this opening once. */
export function countRecoveries(tx: Transaction, channel: string, limit: number): Promise<readonly Recovered[]> {
  const { epoch } = tx.state;
  return recover(tx, channel, { notOf: epoch, upTo: Number.MAX_SAFE_INTEGER, limit, by: epoch });
}

interface Recovering {
  readonly notOf: number;
  readonly upTo: number;
  readonly limit: number;
  /** Counts each message once. */
  readonly by: number;
}

/** Counts the first messages that are not routed, and answers with how often each was. */
export async function recover(
  tx: Transaction,
  channel: string,
  { notOf, upTo, limit, by }: Recovering,
): Promise<readonly Recovered[]> {
  const { names, quoted } = tx.state;
  const first = `SELECT o_seq FROM ${quoted}.unrouted_of($1, 0, '{}', ${notOf}, ${limit}) WHERE o_seq <= ${upTo}`;
  await tx.ask(
    `INSERT INTO ${quoted}.recovery AS r (channel, seq, counted, recoveries) SELECT $1, o_seq, ${by}, 1 FROM (${first}) u
     ON CONFLICT (channel, seq) DO UPDATE SET recoveries = r.recoveries + 1, counted = excluded.counted
     WHERE r.counted <> excluded.counted`,
    [names.known(channel)],
  );
  const rows = await tx.ask(
    `SELECT o_seq, r.recoveries FROM (${first}) u JOIN ${quoted}.recovery r ON r.channel = $1 AND r.seq = o_seq ORDER BY o_seq`,
    [names.known(channel)],
  );
  return rows.map(([seq, recoveries]) => ({ seq: Number(seq), recoveries: Number(recoveries) }));
}
