const TIME = /^(\d{4})(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:\.\d+)?)?)?)?)?)?(?:([+-]\d\d)(\d\d))?$/;

/**
 * A date or time (`YYYYMMDDHHMMSS` or less, LIS02-A2 §5.6) in ISO 8601, as precise as it is; an hour alone gets its
 * minute 00. Without an offset where the sender gave none: its zone is not known here. Undefined for what is no such
 * value: a wrong date is worse than none.
 */
export function isoTime(text: string | undefined): string | undefined {
  const [, year, month, day, hour, minute, second, offsetHours, offsetMinutes] = TIME.exec(text?.trim() ?? '') ?? [];
  if (!year || !isCalendar(year, month, day) || !isClock(hour, minute, second)) return undefined;
  let iso = year;
  if (month) iso += `-${month}`;
  if (day) iso += `-${day}`;
  if (!hour) return iso;
  iso += `T${hour}:${minute ?? '00'}`;
  if (second) iso += `:${second}`;
  return offsetHours ? `${iso}${offsetHours}:${offsetMinutes}` : iso;
}

/**
 * An instant as records write it, to the second and without a zone: `20260102030405` (LIS02-A2 §5.6).
 * @param now milliseconds since 1970
 * @param offsetMinutes of the zone to write it in, minutes east of UTC
 */
export function timestamp(now: number, offsetMinutes = 0): string {
  const iso = new Date(now + offsetMinutes * 60_000).toISOString();
  return iso.slice(0, 19).replaceAll(/[-:T]/g, '');
}

function isCalendar(year: string, month = '01', day = '01'): boolean {
  const date = new Date(`${year}-${month}-${day}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.getUTCDate() === Number(day);
}

function isClock(hour = '00', minute = '00', second = '00'): boolean {
  return hour < '24' && minute < '60' && second < '60';
}
