import type { DatabaseSync } from 'node:sqlite';
import type { ErrorRecord } from '../../errors.ts';
import type { Meta } from '../../format.ts';
import type { MessageSummary, PartSummary, Resolution } from '../message-store.ts';
import { metaFromColumns } from '../meta-columns.ts';
import { partStatus, partStatusName, queuedNames } from '../shape.ts';
import { standing } from '../standing.ts';
import { uuidText } from '../uuid.ts';
import type { Texts } from './texts.ts';

export interface MessageRow {
  readonly channel: number;
  readonly seq: number;
  readonly id: Uint8Array;
  readonly received_at: number;
  readonly size: number;
  readonly meta_fields: number | null;
  readonly meta: string | null;
  readonly replay_of: Uint8Array | null;
  readonly attached: number | null;
  readonly version: number | null;
  /** Null where the first pass has not ended, and for faults. */
  readonly shape: number | string | null;
  readonly settled: number | null;
  readonly at: number | null;
  readonly times: string | null;
  readonly type: string | null;
  readonly settled_fields: number | null;
  readonly settled_meta: string | null;
  readonly error: string | null;
  readonly resolved: string | null;
}

interface PartRow {
  readonly destination: number;
  readonly n: number;
  readonly status: number;
  readonly attempts: number;
  readonly retry_at: number | null;
  readonly sent_at: number | null;
  /** Null for parts that were sent on the first pass. */
  readonly keys: string | null;
  readonly error: string | null;
  readonly resolved: string | null;
}

/** What `MessageRow` is selected with. */
export const messageColumns = `m.channel, m.seq, m.id, m.received_at, m.size, m.meta_fields, m.meta, m.replay_of, m.attached,
  s.seq AS settled, s.version, s.shape, s.at, s.times, s.type, s.meta_fields AS settled_fields, s.meta AS settled_meta, s.error,
  s.resolved`;
export const messageTables = 'message m LEFT JOIN settlement s ON s.seq = m.seq';

/** Turns rows into the summaries that people see. */
export class Summaries {
  readonly #texts: Texts;
  readonly #parts: ReturnType<DatabaseSync['prepare']>;

  constructor(db: DatabaseSync, texts: Texts) {
    this.#texts = texts;
    this.#parts = db.prepare(
      'SELECT destination, n, status, attempts, retry_at, sent_at, keys, error, resolved FROM part WHERE seq = ?',
    );
  }

  of(row: MessageRow): MessageSummary {
    const parts = this.#partsOf(row);
    const status = row.settled === null ? 'received' : standing(row.error !== null, parts);
    return {
      id: uuidText(row.id),
      seq: row.seq,
      channel: this.#texts.text(row.channel),
      receivedAt: row.received_at,
      status,
      ...(row.type === null ? {} : { type: row.type }),
      ...(row.version === null ? {} : { version: this.#texts.text(row.version) }),
      ...(row.replay_of ? { replayOf: uuidText(row.replay_of) } : {}),
      meta: { ...this.#meta(row.meta_fields, row.meta), ...this.#meta(row.settled_fields, row.settled_meta) },
      size: row.size,
      ...errorOf(row),
      parts,
    };
  }

  /** Where the parts of a settlement are found by their place in it: the names that its contents go by. */
  placesOf(row: MessageRow): readonly { readonly destination: string; readonly n: number }[] {
    if (row.shape === null) return [];
    return this.#texts
      .shape(row.shape)
      .map(({ destination, n }) => ({ destination: this.#texts.text(destination), n }));
  }

  #partsOf(row: MessageRow): readonly PartSummary[] {
    if (row.shape === null) return [];
    const times = row.times === null ? undefined : (JSON.parse(row.times) as number[]);
    let sent = 0;
    let rows: PartRow[] | undefined;
    return this.#texts.shape(row.shape).map(({ destination, n, status }): PartSummary => {
      const name = { destination: this.#texts.text(destination), n };
      if (status === 'filtered') return { ...name, status, attempts: 0 };
      if (status === 'sent') return { ...name, status, attempts: 1, sentAt: times?.[sent++] ?? row.at ?? 0 };
      rows ??= this.#parts.all(row.seq) as unknown as PartRow[];
      const part = rows.find((candidate) => candidate.destination === destination && candidate.n === n)!;
      return { ...name, ...detailsOf(part) };
    });
  }

  #meta(fields: number | null, values: string | null): Meta | undefined {
    if (values === null) return undefined;
    return metaFromColumns(fields === null ? undefined : this.#texts.text(fields), values);
  }
}

function detailsOf(part: PartRow): Omit<PartSummary, 'destination' | 'n'> {
  const queued = queuedNames[part.status];
  return {
    status: partStatusName(part.status),
    ...(queued ? { queued } : {}),
    attempts: part.attempts,
    ...(part.keys === null ? {} : { keys: JSON.parse(part.keys) as string[] }),
    ...(part.sent_at === null ? {} : { sentAt: part.sent_at }),
    ...(part.retry_at === null ? {} : { retryAt: part.retry_at }),
    ...(part.status === partStatus.sent ? {} : errorOf(part)),
  };
}

function errorOf(row: { readonly error: string | null; readonly resolved: string | null }) {
  return {
    ...(row.error === null ? {} : { error: JSON.parse(row.error) as ErrorRecord }),
    ...(row.resolved === null ? {} : { resolved: JSON.parse(row.resolved) as Resolution }),
  };
}
