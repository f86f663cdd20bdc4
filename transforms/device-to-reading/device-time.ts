import type { Reading } from '../../contracts/vitals.ts';
import { Zone } from '../../core/time/zone.ts';

const ISO = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(Z|[+-]\d\d:?\d\d)?$/;
/** The last moment that ISO 8601 writes with four digits of a year. */
const LAST = Date.UTC(10_000, 0, 1) - 1;

/** Reads the times of one device’s clock. */
export class DeviceClock {
  readonly #zone: Zone | undefined;

  /** @param zone the IANA zone of times that say none */
  constructor(zone: string | undefined) {
    this.#zone = zone === undefined ? undefined : new Zone(zone);
  }

  /**
   * What a reading says of its time: none where the text is no time, has no hour, or names no zone and the device has none. A time
   * that comes twice, when summer time ends, is the one nearer to `receivedAt`.
   */
  ofIso(text: string | undefined, receivedAt: number): Pick<Reading, 'deviceTime' | 'skewMs'> {
    const [, year, month, day, hour, minute, second = '0', fraction = '', offset] = ISO.exec(text ?? '') ?? [];
    if (year === undefined || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return {};
    const date = Date.UTC(Number(year), Number(month) - 1, Number(day));
    if (new Date(date).getUTCDate() !== Number(day) || new Date(date).getUTCMonth() !== Number(month) - 1) return {};
    const millis = Number(fraction.padEnd(3, '0').slice(0, 3));
    const local = date + Number(hour) * 3_600_000 + Number(minute) * 60_000 + Number(second) * 1_000 + millis;
    return this.ofInstant(this.#instantOf(local, offset, receivedAt), receivedAt);
  }

  /** @param instant milliseconds since 1970; it need not be whole, or a time at all */
  ofInstant(instant: number | undefined, receivedAt: number): Pick<Reading, 'deviceTime' | 'skewMs'> {
    if (instant === undefined || !(instant >= 0 && instant <= LAST)) return {};
    const whole = Math.round(instant);
    return { deviceTime: new Date(whole).toISOString(), skewMs: whole - receivedAt };
  }

  #instantOf(local: number, offset: string | undefined, receivedAt: number): number | undefined {
    if (offset === 'Z') return local;
    if (offset !== undefined) {
      const minutes = Number(offset.slice(1, 3)) * 60 + Number(offset.slice(-2));
      return local - (offset.startsWith('-') ? -minutes : minutes) * 60_000;
    }
    if (!this.#zone) return undefined;
    const first = this.#zone.instantOf(local, 'first');
    const second = this.#zone.instantOf(local, 'second');
    return Math.abs(first - receivedAt) <= Math.abs(second - receivedAt) ? first : second;
  }
}
