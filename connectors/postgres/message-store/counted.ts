import type { Statement } from '../../../clients/postgres/batch.ts';
import { numbers, texts } from '../../../clients/postgres/quote.ts';
import type { CounterChange } from '../../../core/store/counter-tally.ts';

/** What a commit stored of one channel, one after the other on one day: a row of `arrived`, until all of it is settled. */
export interface Arrived {
  /** Its number. */
  readonly channel: number;
  readonly day: number;
  first: number;
  last: number;
  /** Messages of it that are not settled. */
  left: number;
}

/** What a commit counts, as the functions of the database take it: arrays of one length, and of so many amounts for each. */
export interface Counted {
  readonly arrivals: string;
  readonly counts: readonly string[];
  readonly daily: readonly string[];
}

/** A row of daily counts that changes. */
export interface DayRow {
  readonly day: number;
  readonly channel: number;
  readonly destination: number;
  readonly type: string;
  readonly values: readonly number[];
}

export function countedOf(
  arrivals: readonly Arrived[],
  counters: readonly CounterChange[],
  daily: readonly DayRow[],
): Counted {
  return {
    arrivals: int8s(arrivals.flatMap(({ channel, first, last, day }) => [channel, first, last, day])),
    counts: [
      ...[int4s(counters, ({ channel }) => channel), int4s(counters, ({ destination }) => destination)],
      int8s(counters.flatMap(({ values }) => [...values])),
    ],
    daily: [
      ...[int4s(daily, ({ day }) => day), int4s(daily, ({ channel }) => channel)],
      ...[int4s(daily, ({ destination }) => destination), texts(daily.map(({ type }) => type))],
      int8s(daily.flatMap(({ values }) => values)),
    ],
  };
}

export const nothingCounted = countedOf([], [], []);

/** For a transaction that has begun without it; the database has given it its seqs, where `given` says so. */
export function countStatements(
  { quoted, hub, epoch }: { readonly quoted: string; readonly hub: number; readonly epoch: number },
  { arrivals, counts, daily }: Counted,
  given: boolean,
): readonly Statement[] {
  const statements: string[] = [];
  const arrive = given ? 'arrive_given' : 'arrive';
  if (arrivals !== nothingCounted.arrivals)
    statements.push(`SELECT ${quoted}.${arrive}(${hub}, ${epoch}, ${arrivals})`);
  if (counts[0] !== nothingCounted.counts[0])
    statements.push(`SELECT ${quoted}.add_counts(${hub}, ${counts.join(', ')})`);
  if (daily[0] !== nothingCounted.daily[0]) statements.push(`SELECT ${quoted}.add_daily(${hub}, ${daily.join(', ')})`);
  return statements.map((text) => ({ text }));
}

function int4s<T>(rows: readonly T[], of: (row: T) => number): string {
  return numbers(rows.map(of), 'int4');
}

function int8s(values: readonly number[]): string {
  return numbers(values, 'int8');
}
