import { hasValue, type Reading, type Validity, type VitalReadings } from '../../contracts/vitals.ts';
import { dayOf } from './days.ts';

/** As `q` of a row: its place is the number. */
export const validityNumbers: readonly Validity[] = ['Vld', 'Qst', 'Inv', 'Oflw', 'Uflw'];

/** What tells one series from another. */
export interface SeriesName {
  readonly device: string;
  readonly point: string;
  readonly unit: string;
}

export interface NewSeries extends SeriesName {
  readonly code: Reading['code'];
  readonly profile: string;
  readonly location: string | undefined;
  readonly subject: string | undefined;
}

/** Rows of one table, column by column: what an array parameter is made of. */
export interface Columns<V> {
  readonly series: number[];
  /** Microseconds since 1970. */
  readonly ts: number[];
  readonly values: (V | null)[];
  readonly q: number[];
}

/** The rows of some messages. */
export class ReadingRows {
  readonly numbers: Columns<number> = { series: [], ts: [], values: [], q: [] };
  readonly states: Columns<string> = { series: [], ts: [], values: [], q: [] };
  readonly days = new Set<number>();
  /** Milliseconds since 1970, where the number of a series has its minute. */
  readonly minutes = new Set<number>();
  /** Older than what is kept. */
  tooOld = 0;

  /**
   * @param seriesOf the number of a series
   * @param oldest milliseconds since 1970: what is older is counted only
   */
  add(
    message: VitalReadings,
    seriesOf: (reading: Reading) => number,
    { trustSkewMs, oldest }: { readonly trustSkewMs: number; readonly oldest: number },
  ): void {
    const receivedAt = Date.parse(message.receivedAt);
    const seen = new Map<string, number>();
    for (const reading of message.readings) {
      const { point, value, validity } = reading;
      const ms = timeOf(reading, receivedAt, trustSkewMs);
      // What has no time of its own is apart by microseconds, so that a reading which comes again is the same row.
      const nth = ms === undefined ? (seen.get(point) ?? 0) : 0;
      if (ms === undefined) seen.set(point, nth + 1);
      const at = ms ?? receivedAt;
      if (at < oldest) {
        this.tooOld++;
        continue;
      }
      const micros = at * 1_000 + (ms === undefined ? ((reading.sequence ?? 0) + nth) % 1_000 : 0);
      const isNumber = value === undefined ? reading.unit !== undefined : typeof value === 'number';
      const into: Columns<number> | Columns<string> = isNumber ? this.numbers : this.states;
      into.series.push(seriesOf(reading));
      into.ts.push(micros);
      into.q.push(validityNumbers.indexOf(validity));
      if (isNumber) this.numbers.values.push(hasValue(validity) ? (value as number) : null);
      else this.states.values.push(value === undefined ? null : String(value));
      this.days.add(dayOf(at));
      if (isNumber) this.minutes.add(at - (((at % 60_000) + 60_000) % 60_000));
    }
  }

  get count(): number {
    return this.numbers.series.length + this.states.series.length;
  }
}

/** By the device’s clock where that can be believed; undefined where it cannot, or the device has said none. */
function timeOf({ deviceTime, skewMs }: Reading, receivedAt: number, trustSkewMs: number): number | undefined {
  if (deviceTime === undefined) return undefined;
  const at = Date.parse(deviceTime);
  return Math.abs(skewMs ?? at - receivedAt) <= trustSkewMs ? at : undefined;
}
