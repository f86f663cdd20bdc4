/** How much of a date and time is said. */
export const precisions = ['year', 'month', 'day', 'hour', 'minute', 'second', 'fraction'] as const;
export type Precision = (typeof precisions)[number];

/** A date, with as much of a time as was said. */
export class Moment {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  /** The digits after the point. */
  readonly fraction: string;
  /** Index into `precisions`; what is finer stands at its lowest. */
  readonly precision: number;
  /** Minutes east of UTC; undefined where none is said. */
  readonly offset: number | undefined;

  constructor(
    year: number,
    month: number,
    day: number,
    hour: number,
    minute: number,
    second: number,
    fraction: string,
    precision: number,
    offset: number | undefined,
  ) {
    this.year = year;
    this.month = month;
    this.day = day;
    this.hour = hour;
    this.minute = minute;
    this.second = second;
    this.fraction = fraction;
    this.precision = precision;
    this.offset = offset;
  }

  /** The clock's time as if it were UTC, in milliseconds since 1970; what is finer than milliseconds is left out. */
  get local(): number {
    const seconds = (this.hour * 60 + this.minute) * 60 + this.second;
    const thousandths = this.fraction === '' ? 0 : Number(this.fraction.slice(0, 3).padEnd(3, '0'));
    return daysTo(this.year, this.month, this.day) * DAY_MS + seconds * 1000 + thousandths;
  }

  /** The same, as a clock shows it that stands at `local`, at an offset. */
  at(local: number, offset: number | undefined): Moment {
    const { year, month, day } = dayAt(Math.floor(local / DAY_MS));
    const seconds = Math.floor((((local % DAY_MS) + DAY_MS) % DAY_MS) / 1000);
    const hour = Math.floor(seconds / 3600);
    const minute = Math.floor(seconds / 60) % 60;
    return new Moment(year, month, day, hour, minute, seconds % 60, this.fraction, this.precision, offset);
  }

  /** The same without what is finer. */
  cut(precision: number): Moment {
    const { year, month, day, hour, minute, second, fraction, offset } = this;
    return new Moment(year, month, day, hour, minute, second, fraction, precision, offset);
  }

  withoutOffset(): Moment {
    const { year, month, day, hour, minute, second, fraction, precision } = this;
    return new Moment(year, month, day, hour, minute, second, fraction, precision, undefined);
  }
}

const DAY = 2;
const DAY_MS = 86_400_000;
const FRACTION = 6;
const ZERO = 0x30;
const iso =
  /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[T ](\d\d)(?::(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?)?)?)?(?:(Z)|([+-])(\d\d):?(\d\d))?$/;

/** A DT, TS or DTM value (HL7 2.5.1 §2.A.22); undefined for what is none: a wrong date is worse than none. */
export function readHl7(text: string): Moment | undefined {
  // By hand: a regular expression with its array of parts takes three times as long, and most messages have several dates.
  const value = text.trim();
  const length = value.length;
  let end = 0;
  while (end < length && isDigit(value.charCodeAt(end))) end++;
  if (end < 4 || end > 14 || end % 2 === 1) return undefined;
  let precision = end / 2 - 2;
  let rest = end;
  let fraction = '';
  if (value.charCodeAt(rest) === 0x2e) {
    while (++rest < length && isDigit(value.charCodeAt(rest)));
    fraction = value.slice(end + 1, rest);
    if (precision !== FRACTION - 1 || fraction === '' || fraction.length > 4) return undefined;
    precision = FRACTION;
  }
  let offset: number | undefined;
  if (rest < length) {
    const sign = value.charCodeAt(rest);
    if ((sign !== 0x2b && sign !== 0x2d) || length !== rest + 5) return undefined;
    for (let at = rest + 1; at < length; at++) if (!isDigit(value.charCodeAt(at))) return undefined;
    offset = (pair(value, rest + 1) * 60 + pair(value, rest + 3)) * (sign === 0x2d ? -1 : 1);
  }
  const part = (at: number, otherwise: number) => (at < end ? pair(value, at) : otherwise);
  const year = pair(value, 0) * 100 + pair(value, 2);
  return checked(
    new Moment(year, part(4, 1), part(6, 1), part(8, 0), part(10, 0), part(12, 0), fraction, precision, offset),
  );
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= 0x39;
}

function pair(text: string, at: number): number {
  return (text.charCodeAt(at) - ZERO) * 10 + text.charCodeAt(at + 1) - ZERO;
}

/** A date or time of ISO 8601 in its extended form, as JSON and XML have it. */
export function readIso(text: string): Moment | undefined {
  const found = iso.exec(text.trim());
  if (!found) return undefined;
  const [, year, month, day, hour, minute, second, fraction, utc, sign, hours, minutes] = found;
  const size = sign === undefined ? 0 : Number(hours) * 60 + Number(minutes);
  const offset = utc ? 0 : sign === undefined ? undefined : sign === '-' ? -size : size;
  return moment([year, month, day, hour, minute, second, fraction], offset);
}

/** Of its parts from the year on, as far as they go; undefined where the calendar or the clock has no such time. */
function moment(parts: readonly (string | undefined)[], offset: number | undefined): Moment | undefined {
  const said = parts.indexOf(undefined);
  const [year, month = 1, day = 1, hour = 0, minute = 0, second = 0, fraction = ''] = parts;
  const precision = said < 0 ? FRACTION : said - 1;
  return checked(
    new Moment(
      Number(year),
      Number(month),
      Number(day),
      Number(hour),
      Number(minute),
      Number(second),
      fraction,
      precision,
      offset,
    ),
  );
}

function checked(made: Moment): Moment | undefined {
  const { year, month, day, hour, minute, second, precision, offset } = made;
  if (hour > 23 || minute > 59 || second > 59 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month))
    return undefined;
  if (offset === undefined) return made;
  if (Math.abs(offset) > 24 * 60) return undefined;
  // A day with a zone is a day: senders that fill all of a time's places write that.
  return precision > DAY ? made : made.withoutOffset();
}

const lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function daysIn(year: number, month: number): number {
  const leap = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return leap ? 29 : lengths[month - 1]!;
}

/** Days since 1970, in the Gregorian calendar also before it was one. Years are counted from March: the leap day is then the last. */
function daysTo(year: number, month: number, day: number): number {
  const from = month <= 2 ? year - 1 : year;
  const era = Math.floor(from / 400);
  const ofEra = from - era * 400;
  const ofYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return era * 146_097 + ofEra * 365 + Math.floor(ofEra / 4) - Math.floor(ofEra / 100) + ofYear - 719_468;
}

function dayAt(days: number): { readonly year: number; readonly month: number; readonly day: number } {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const ofEra = shifted - era * 146_097;
  const years = Math.floor(
    (ofEra - Math.floor(ofEra / 1460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365,
  );
  const ofYear = ofEra - (365 * years + Math.floor(years / 4) - Math.floor(years / 100));
  const shiftedMonth = Math.floor((5 * ofYear + 2) / 153);
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  const day = ofYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1;
  return { year: years + era * 400 + (month <= 2 ? 1 : 0), month, day };
}

/** `00` to `99`. */
const pairs: readonly string[] = Array.from({ length: 100 }, (_, n) => String(n).padStart(2, '0'));
const two = (n: number) => pairs[n]!;
const four = (n: number) => pairs[Math.floor(n / 100)]! + pairs[n % 100]!;

/** As HL7 writes it, as precise as it is; at most four digits of a fraction. */
export function writeHl7(made: Moment): string {
  const { precision } = made;
  let text = four(made.year);
  if (precision >= 1) text += two(made.month);
  if (precision >= 2) text += two(made.day);
  if (precision >= 3) text += two(made.hour);
  if (precision >= 4) text += two(made.minute);
  if (precision >= 5) text += two(made.second);
  if (precision >= 6) text += `.${made.fraction.slice(0, 4)}`;
  return text + (precision > DAY ? offsetText(made.offset, '') : '');
}

/** As ISO 8601 writes it, as precise as it is; an hour alone gets its minute 00. */
export function writeIso(made: Moment): string {
  const { precision } = made;
  let text = four(made.year);
  if (precision >= 1) text += `-${two(made.month)}`;
  if (precision >= 2) text += `-${two(made.day)}`;
  if (precision >= 3) text += `T${two(made.hour)}:${two(made.minute)}`;
  if (precision >= 5) text += `:${two(made.second)}`;
  if (precision >= 6) text += `.${made.fraction}`;
  if (precision <= DAY) return text;
  return text + (made.offset === 0 ? 'Z' : offsetText(made.offset, ':'));
}

function offsetText(offset: number | undefined, between: string): string {
  if (offset === undefined) return '';
  const size = Math.abs(offset);
  return (offset < 0 ? '-' : '+') + two(Math.floor(size / 60)) + between + two(size % 60);
}

/** A way to write dates of one's own: `dd.MM.yyyy HH:mm`. Letters stand for digits, everything else for itself. */
export class DatePattern {
  readonly #places: readonly (readonly [part: number, length: number] | string)[];
  readonly #precision: number;
  readonly #length: number;

  /** Throws RangeError for a pattern that names no year, a letter that means nothing, or a part without the one above it. */
  constructor(pattern: string) {
    const places = [...pattern.matchAll(/(yyyy|MM|dd|HH|mm|ss)|([^A-Za-z])|(.)/gs)].map(([all, part, , wrong]) => {
      if (wrong !== undefined) throw new RangeError(`${wrong} is none of yyyy, MM, dd, HH, mm and ss`);
      return part === undefined ? all : ([letters.indexOf(part), part.length] as const);
    });
    const named = places.flatMap((place) => (typeof place === 'string' ? [] : [place[0]])).toSorted((a, b) => a - b);
    if (named.some((part, at) => part !== at) || named.length === 0)
      throw new RangeError('a pattern names each of yyyy, MM, dd, HH, mm and ss once, from the year as far as it goes');
    this.#places = places;
    this.#precision = named.length - 1;
    this.#length = pattern.length;
  }

  read(text: string): Moment | undefined {
    if (text.length !== this.#length) return undefined;
    const parts: (string | undefined)[] = new Array(7).fill(undefined);
    let at = 0;
    for (const place of this.#places) {
      const length = typeof place === 'string' ? place.length : place[1];
      const piece = text.slice(at, at + length);
      at += length;
      if (typeof place === 'string') {
        if (piece !== place) return undefined;
      } else if (digits.test(piece)) parts[place[0]] = piece;
      else return undefined;
    }
    return moment(parts, undefined);
  }

  /** Undefined where the moment is less precise than the pattern. */
  write(made: Moment): string | undefined {
    if (made.precision < this.#precision) return undefined;
    const parts = [four(made.year), two(made.month), two(made.day), two(made.hour), two(made.minute), two(made.second)];
    return this.#places.map((place) => (typeof place === 'string' ? place : parts[place[0]]!)).join('');
  }
}

const letters = ['yyyy', 'MM', 'dd', 'HH', 'mm', 'ss'];
const digits = /^\d+$/;
