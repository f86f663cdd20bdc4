import { numbers } from '../../../clients/postgres/quote.ts';
import type { PostgresSession, Value } from '../../../clients/postgres/session.ts';
import type { ErrorRecord } from '../../../core/errors.ts';
import type { MessageSummary, PartSummary, Resolution } from '../../../core/store/message-store.ts';
import { partStatus, partStatusName, queuedNames } from '../../../core/store/shape.ts';
import { standing } from '../../../core/store/standing.ts';
import type { Names } from './names.ts';
import { metaOf } from './queue.ts';

type Row = readonly Value[];

/** What `summaries` reads of a message `m` and its settlement `s`. */
export const messageColumns = `m.channel, m.seq, m.id, m.received_at, m.size, m.meta_fields, m.meta, m.replay_of, m.attached, s.seq,
  s.version, s.shape, s.shape_text, s.at, s.times, s.type, s.meta_fields, s.meta, s.error, s.resolved`;

/** The shape of a settlement as `Names.shape` takes it; undefined where there is none. */
export function shapeOf(row: Row): number | string | undefined {
  if (row[11] !== null) return Number(row[11]);
  return row[12] === null ? undefined : String(row[12]);
}

/** Rows of `messageColumns` as people see them. */
export async function summaries(
  session: Pick<PostgresSession, 'ask'>,
  quoted: string,
  names: Names,
  rows: readonly Row[],
): Promise<readonly MessageSummary[]> {
  const detailed = rows.filter((row) => {
    const shape = shapeOf(row);
    return shape !== undefined && names.shape(shape).some(({ status }) => status === 'detailed');
  });
  const parts = new Map<string, Row>();
  if (detailed.length > 0) {
    const seqs = numbers(
      detailed.map((row) => Number(row[1])),
      'int8',
    );
    const found = await session.ask(
      `SELECT seq, destination, n, status, attempts, retry_at, sent_at, keys, error, resolved FROM ${quoted}.part WHERE seq = ANY(${seqs})`,
    );
    for (const row of found) parts.set(row.slice(0, 3).join('/'), row);
  }
  return rows.map((row) => summary(names, row, parts));
}

function summary(names: Names, row: Row, details: ReadonlyMap<string, Row>): MessageSummary {
  const [channel, seq, id, receivedAt, size, fields, meta, replayOf, , settled, version] = row;
  const parts = partsOf(names, row, details);
  const [type = null, settledFields, settledMeta, error = null, resolved = null] = row.slice(15);
  return {
    ...{ id: String(id), seq: Number(seq), channel: names.text(Number(channel)), receivedAt: Number(receivedAt) },
    status: settled === null ? 'received' : standing(error !== null, parts),
    ...(type === null ? {} : { type: String(type) }),
    ...(version === null ? {} : { version: names.text(Number(version)) }),
    ...(replayOf === null ? {} : { replayOf: String(replayOf) }),
    meta: { ...metaOf(names, fields, meta), ...metaOf(names, settledFields, settledMeta) },
    size: Number(size),
    ...errorsOf(error, resolved),
    parts,
  };
}

function partsOf(names: Names, row: Row, details: ReadonlyMap<string, Row>): readonly PartSummary[] {
  const shape = shapeOf(row);
  if (shape === undefined) return [];
  const times = row[14] === null ? undefined : (JSON.parse(String(row[14])) as number[]);
  let sent = 0;
  return names.shape(shape).map(({ destination, n, status }): PartSummary => {
    const name = { destination: names.text(destination), n };
    if (status === 'filtered') return { ...name, status, attempts: 0 };
    if (status === 'sent') return { ...name, status, attempts: 1, sentAt: times?.[sent++] ?? Number(row[13]) };
    return { ...name, ...detailsOf(details.get([Number(row[1]), destination, n].join('/')) ?? []) };
  });
}

function detailsOf(row: Row): Omit<PartSummary, 'destination' | 'n'> {
  const [, , , statusValue, attempts, retryAt = null, sentAt = null, keys = null, error = null, resolved = null] = row;
  const status = Number(statusValue);
  const queued = queuedNames[status];
  return {
    status: partStatusName(status),
    ...(queued ? { queued } : {}),
    attempts: Number(attempts),
    ...(keys === null ? {} : { keys: JSON.parse(String(keys)) as string[] }),
    ...(sentAt === null ? {} : { sentAt: Number(sentAt) }),
    ...(retryAt === null ? {} : { retryAt: Number(retryAt) }),
    ...(status === partStatus.sent ? {} : errorsOf(error, resolved)),
  };
}

export function errorsOf(error: Value, resolved: Value) {
  return {
    ...(error === null ? {} : { error: JSON.parse(String(error)) as ErrorRecord }),
    ...(resolved === null ? {} : { resolved: JSON.parse(String(resolved)) as Resolution }),
  };
}
