import { binaryArray } from './binary-array.ts';
import type { Columns, ReadingRows } from './rows.ts';

/** The last value of a series that `latest` does not have yet. */
export interface Latest {
  readonly series: number;
  readonly ts: number;
  readonly value: number | null;
  readonly q: number;
  readonly state: string | null;
}

/**
 * All of a batch in one statement: one round trip, one transaction, whatever stands between. A row that is there already is left as it
 * is, so that a batch which comes again changes nothing. Answers how many were new.
 */
export function writeStatement(schema: string): string {
  return `WITH numbers AS (
      INSERT INTO ${schema}.reading (series_id, ts, value, q)
      SELECT * FROM unnest($1::int[], $2::timestamptz[], $3::float8[], $4::int2[]) ON CONFLICT DO NOTHING RETURNING 1
    ), states AS (
      INSERT INTO ${schema}.state (series_id, ts, value, q)
      SELECT * FROM unnest($5::int[], $6::timestamptz[], $7::text[], $8::int2[]) ON CONFLICT DO NOTHING RETURNING 1
    ), marked AS (
      INSERT INTO ${schema}.unrolled (minute, at) SELECT m, now() FROM unnest($9::timestamptz[]) AS m ORDER BY m
      ON CONFLICT (minute) DO UPDATE SET at = excluded.at
    ), last AS (
      INSERT INTO ${schema}.latest AS known (series_id, ts, value, q, state)
      SELECT * FROM unnest($10::int[], $11::timestamptz[], $12::float8[], $13::int2[], $14::text[])
      ON CONFLICT (series_id) DO UPDATE
      SET ts = excluded.ts, value = excluded.value, q = excluded.q, state = excluded.state WHERE known.ts <= excluded.ts
    )
    SELECT (SELECT count(*) FROM numbers) + (SELECT count(*) FROM states)`;
}

/** @param latest in the order of their series, so that two writers do not wait for each other */
export function writeValues({ numbers, states, minutes }: ReadingRows, latest: readonly Latest[]): readonly unknown[] {
  return [
    ...[binaryArray('int4', numbers.series), binaryArray('timestamptz', numbers.ts)],
    ...[binaryArray('float8', numbers.values), binaryArray('int2', numbers.q)],
    ...[
      binaryArray('int4', states.series),
      binaryArray('timestamptz', states.ts),
      states.values,
      binaryArray('int2', states.q),
    ],
    binaryArray(
      'timestamptz',
      [...minutes].toSorted((a, b) => a - b).map((ms) => ms * 1_000),
    ),
    ...[
      binaryArray(
        'int4',
        latest.map(({ series }) => series),
      ),
      binaryArray(
        'timestamptz',
        latest.map(({ ts }) => ts),
      ),
    ],
    ...[
      binaryArray(
        'float8',
        latest.map(({ value }) => value),
      ),
      binaryArray(
        'int2',
        latest.map(({ q }) => q),
      ),
    ],
    latest.map(({ state }) => state),
  ];
}

/** What `latest` is to be told, the last of each series only, until it is time to. */
export class LatestValues {
  #waiting = new Map<number, Latest>();

  get size(): number {
    return this.#waiting.size;
  }

  add({ numbers, states }: ReadingRows): void {
    this.#addOf(numbers, (value: number | null) => ({ value, state: null }));
    this.#addOf(states, (state: string | null) => ({ value: null, state }));
  }

  /** In the order of their series. They wait until `written`. */
  all(): readonly Latest[] {
    return [...this.#waiting.values()].toSorted((a, b) => a.series - b.series);
  }

  written(latest: readonly Latest[]): void {
    for (const each of latest) if (this.#waiting.get(each.series) === each) this.#waiting.delete(each.series);
  }

  #addOf<V>({ series, ts, values, q }: Columns<V>, of: (value: V | null) => Pick<Latest, 'value' | 'state'>): void {
    for (let at = 0; at < series.length; at++) {
      const known = this.#waiting.get(series[at]!);
      if (known && known.ts > ts[at]!) continue;
      this.#waiting.set(series[at]!, { series: series[at]!, ts: ts[at]!, q: q[at]!, ...of(values[at]!) });
    }
  }
}
