import type { PostgresSession } from '../../clients/postgres/session.ts';
import type { Arrival } from '../../core/message.ts';

/** A row as it was read: its arrival, and the texts of its id columns. */
export interface ReadRow {
  readonly arrival: Arrival;
  readonly watermark: string;
  readonly id: readonly string[];
}

/**
 * Hands rows over and resolves at their acknowledgement with how many of them, from the first on, are kept (`prefix`), and which (`kept`).
 * Rejects with HubError where nothing was stored.
 */
export type HandOver = (
  rows: readonly ReadRow[],
) => Promise<{ readonly prefix: number; readonly kept: readonly boolean[] }>;

/** When to look again: at once, soon, or after the usual pause. */
export type Next = 'now' | 'soon' | 'later';

/** One of the two ways to read a table. */
export interface Turns {
  /** Reads one batch and hands it over; acknowledged rows are done with when it resolves. */
  take(session: PostgresSession, handOver: HandOver): Promise<Next>;
  /** The session is gone: what was found out with it is found out again. */
  reset(): void;
}

/** How values are written as text, whatever the database's defaults are: times in UTC, ISO 8601. */
export const asIso = "SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO'; SET LOCAL IntervalStyle = 'iso_8601'";

/** @param idColumns how many columns of the answer, from the third on, are the id; behind them the key, where there is one */
export function readRow(
  values: readonly (string | null)[],
  idColumns: number,
  from: { readonly name: string; readonly keyed: boolean },
): ReadRow {
  const [raw, watermark] = values;
  const id = values.slice(2, 2 + idColumns).map((value) => value ?? '');
  const key = from.keyed ? values[2 + idColumns] : undefined;
  const arrival: Arrival = {
    raw: Buffer.from(raw ?? 'null'),
    dedupeKey: JSON.stringify([from.name, ...id, ...(watermark === null ? [] : [watermark])]),
    meta: { 'postgres.from': from.name },
    ...(typeof key === 'string' && key !== '' && { key }),
  };
  return { arrival, watermark: watermark ?? '', id };
}
