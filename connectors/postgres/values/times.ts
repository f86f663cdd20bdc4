import type { Never, Twice, Zone } from '../../../core/time/zone.ts';
import { type GivenValue, Unfit } from './unfit.ts';

/** What a time means that says no zone (rule 34). */
export interface TimeRules {
  /** Without one, a time without a zone does not fit a column that has one. */
  readonly zone: Zone | undefined;
  readonly twice: Twice;
  readonly never: Never;
}

interface Read {
  /** The clock's time as if it were UTC, in milliseconds since 1970, whole seconds. */
  readonly local: number;
  /** With its point; may be empty. */
  readonly fraction: string;
  /** Minutes east of UTC. */
  readonly offset: number | undefined;
  readonly timed: boolean;
}

const iso =
  /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?(?: ?(?:([Zz])|([+-])(\d\d):?(\d\d)?))?$/;
/** HL7 2.5.1 §2.A.22, from the day on. */
const hl7 = /^(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)?(?:(\d\d)(?:\.(\d{1,4}))?)?)?(?:(Z)|([+-])(\d\d)(\d\d))?$/;
const MINUTE_MS = 60_000;

/** For `timestamptz`: UTC. */
export function instants(rules: TimeRules): (value: NonNullable<GivenValue>) => string {
  return (value) => {
    const read = readTime(value);
    return written(
      read.offset === undefined ? instantOf(read, rules) : read.local - read.offset * MINUTE_MS,
      read.fraction,
      'Z',
    );
  };
}

/** For `timestamp`, which has no zone: what the clock of `zone` shows then. */
export function wallTimes({ zone }: TimeRules): (value: NonNullable<GivenValue>) => string {
  return (value) => {
    const read = readTime(value);
    if (read.offset === undefined) return written(read.local, read.fraction, '');
    if (!zone) throw new Unfit('says its zone, and the column has none: `zone` says which clock the column shows');
    const instant = read.local - read.offset * MINUTE_MS;
    return written(instant + zone.offsetAt(instant) * MINUTE_MS, read.fraction, '');
  };
}

export function dates(value: NonNullable<GivenValue>): string {
  const { local, timed, offset } = readTime(value);
  if (timed || offset !== undefined) throw new Unfit('is a time, and the column is a date');
  return written(local, '', '').slice(0, 10);
}

function instantOf({ local }: Read, { zone, twice, never }: TimeRules): number {
  if (!zone) throw new Unfit('is a time without a zone: `zone` says which one it is in');
  const found = zone.offsetOf(local, twice, never);
  if (!found) throw new Unfit(`is a time that the clock of ${zone.name} shows twice or never`);
  return local + (found.later - found.offset) * MINUTE_MS;
}

function readTime(value: NonNullable<GivenValue>): Read {
  const text = typeof value === 'string' ? value.trim() : '';
  const parts = iso.exec(text) ?? hl7.exec(text);
  if (!parts) throw new Unfit('is no date or time like 2026-01-31, 2026-01-31T23:59:58+01:00 or 20260131235958+0100');
  const [year, month, day, hour, minute, second] = [1, 2, 3, 4, 5, 6].map((at) => Number(parts[at] ?? 0));
  const local = new Date(0).setUTCFullYear(year!, month! - 1, day) + ((hour! * 60 + minute!) * 60 + second!) * 1000;
  const back = new Date(local);
  const exists =
    year! > 0 &&
    back.getUTCMonth() === month! - 1 &&
    back.getUTCDate() === day &&
    hour! < 24 &&
    minute! < 60 &&
    second! < 60;
  const [east, hours, minutes] = [parts[9] === '-' ? -1 : 1, Number(parts[10] ?? 0), Number(parts[11] ?? 0)];
  if (!exists || hours > 15 || minutes > 59) throw new Unfit('is a day or an hour that there is not');
  const zoned = parts[8] !== undefined || parts[9] !== undefined;
  return {
    ...{ local, fraction: parts[7] === undefined ? '' : `.${parts[7]}`, timed: parts[4] !== undefined },
    offset: zoned ? east * (hours * 60 + minutes) : undefined,
  };
}

function written(ms: number, fraction: string, zone: string): string {
  const at = new Date(ms);
  const year = at.getUTCFullYear();
  if (!(year > 0 && year < 10_000)) throw new Unfit('is a year that there is not');
  return `${at.toISOString().slice(0, 19)}${fraction}${zone}`;
}
