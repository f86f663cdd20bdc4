import type { Conversion } from '../conversion.ts';

const ZERO = 0x30;
const PLUS = 0x2b;
const MINUS = 0x2d;
const MINUTE_MS = 60_000;

/**
 * A DT, TS or DTM value (HL7 2.5.1 §2.A.22) as FHIR writes it, as precise as it is; an hour alone gets its minute 00. A time
 * without a zone gets the configured one, that of MSH-7, or UTC. Undefined, with an issue, for what is no such value.
 */
export function dateTimeOf(text: string, conversion: Conversion): string | undefined {
  // The results of a report are of one time.
  const { lastTime, issues } = conversion;
  if (lastTime.sent === text) return lastTime.said;
  const told = issues.length;
  const said = written(text, conversion, false);
  // What is wrong is told of each.
  if (issues.length === told) {
    lastTime.sent = text;
    lastTime.said = said;
  }
  return said;
}

/** As `dateTimeOf` for elements that need a time to the second: minutes get the second 00, and a day alone is none. */
export function instantOf(text: string, conversion: Conversion): string | undefined {
  return written(text, conversion, true);
}

/** Whether a time is less precise than FHIR has to say it: to the hour or the minute. */
export function saysLess(text: string): boolean {
  const { length } = text;
  if (length !== 12 && length !== 17 && length !== 10 && length !== 15) return false;
  return /^\d{10}(?:\d\d)?(?:[+-]\d{4})?$/.test(text);
}

/** The day alone. */
export function dateOf(text: string, conversion: Conversion): string | undefined {
  return written(text, conversion, false)?.slice(0, 10);
}

/** A TM value, to the second. */
export function timeOf(text: string, conversion: Conversion): string | undefined {
  const [, hour, minute = '00', second = '00', fraction = ''] =
    /^([01]\d|2[0-3])(?::?([0-5]\d)(?::?([0-5]\d)(\.\d{1,4})?)?)?(?:[+-]\d{4})?$/.exec(text.trim()) ?? [];
  if (hour === undefined) conversion.issue('bad-date', 'it is no time of day');
  return hour && `${hour}:${minute}:${second}${fraction}`;
}

/** The offset that a value says, minutes east of UTC; undefined where it says none. */
export function offsetIn(text: string): number | undefined {
  const last = text.trimEnd();
  const at = last.length - 5;
  const sign = last.charCodeAt(at);
  if (sign !== PLUS && sign !== MINUS) return undefined;
  for (let each = at + 1; each < last.length; each++) if (!isDigit(last.charCodeAt(each))) return undefined;
  const [hours, minutes] = [pair(last, at + 1), pair(last, at + 3)];
  if (hours > 13 || minutes > 59) return undefined;
  return (hours * 60 + minutes) * (sign === MINUS ? -1 : 1);
}

function written(text: string, conversion: Conversion, instant: boolean): string | undefined {
  const length = text.length;
  let end = 0;
  while (end < length && isDigit(text.charCodeAt(end))) end++;
  let rest = end;
  let fraction = '';
  if (text.charCodeAt(rest) === 0x2e && end === 14) {
    while (++rest < length && isDigit(text.charCodeAt(rest)));
    fraction = rest > end + 1 ? text.slice(end, rest) : '';
  }
  const zone = text.slice(rest);
  if (end < 4 || end > 14 || end % 2 === 1 || (zone !== '' && !/^[+-]\d{4}$/.test(zone)) || !isCalendar(text, end)) {
    conversion.issue('bad-date', 'it is no date or time as HL7 writes them');
    return undefined;
  }
  if (end <= 8) {
    if (instant) {
      conversion.issue('bad-date', 'a time is needed here, and only a day is said');
      return undefined;
    }
    return end === 4
      ? text.slice(0, 4)
      : `${text.slice(0, 4)}-${text.slice(4, 6)}${end === 8 ? `-${text.slice(6, 8)}` : ''}`;
  }
  const day = `${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6, 8)}`;
  const minute = end >= 12 ? text.slice(10, 12) : '00';
  // FHIR has no time without seconds.
  const second = end === 14 ? text.slice(12, 14) + fraction : '00';
  return `${day}T${text.slice(8, 10)}:${minute}:${second}${zoneText(text, zone, conversion)}`;
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= 0x39;
}

function pair(text: string, at: number): number {
  return (text.charCodeAt(at) - ZERO) * 10 + text.charCodeAt(at + 1) - ZERO;
}

const LENGTHS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function isCalendar(text: string, end: number): boolean {
  const year = pair(text, 0) * 100 + pair(text, 2);
  if (year === 0) return false;
  if (end >= 6) {
    const month = pair(text, 4);
    if (month < 1 || month > 12) return false;
    if (end >= 8) {
      const day = pair(text, 6);
      if (day < 1 || day > LENGTHS[month - 1]!) return false;
      if (month === 2 && day === 29 && !(year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0))) return false;
    }
  }
  return !(
    (end >= 10 && pair(text, 8) > 23) ||
    (end >= 12 && pair(text, 10) > 59) ||
    (end === 14 && pair(text, 12) > 59)
  );
}

function zoneText(text: string, said: string, conversion: Conversion): string {
  if (said !== '') {
    // Beyond fourteen hours is no zone on earth, and no time of FHIR.
    if (pair(said, 1) < 14 && pair(said, 3) < 60)
      return said === '+0000' ? 'Z' : `${said.slice(0, 3)}:${said.slice(3)}`;
    conversion.issue('bad-date', 'its zone is none');
  }
  const { zone, offset } = conversion;
  if (zone) {
    const part = (at: number) => (text.length >= at + 2 ? pair(text, at) : 0) || 0;
    const local = Date.UTC(pair(text, 0) * 100 + pair(text, 2), part(4) - 1, part(6), part(8), part(10));
    return offsetText(
      zone.offsetOf(local, 'first', 'later')?.offset ?? zone.offsetAt(local - (offset ?? 0) * MINUTE_MS),
    );
  }
  if (offset !== undefined) return offsetText(offset);
  conversion.zoneAssumed();
  return 'Z';
}

function offsetText(minutes: number): string {
  if (minutes === 0) return 'Z';
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

const two = (n: number) => String(n).padStart(2, '0');
