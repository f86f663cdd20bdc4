const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)$/;
const SEQUENCE = /^\d+$/;
const DAY = /^(\d{4})(?:(\d\d)(\d\d)?)?$/;
const TIME = /^(\d\d)(?:(\d\d)(?:(\d\d)(?:\.\d{1,4})?)?)?([+-]\d{4})?$/;
const INSTANT = /^(\d{4})(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:\.\d{1,4})?)?)?)?)?)?([+-]\d{4})?$/;

/**
 * Whether a text is written as its primitive data type asks (HL7 2.5.1 §2.A): NM, SI, DT, TM, DTM and TS to any precision,
 * of days and times that there are. Of other types every text is. `""` and empty are for the caller.
 */
export function isWritten(type: string, text: string): boolean {
  switch (type) {
    case 'NM':
      return NUMBER.test(text);
    case 'SI':
      return SEQUENCE.test(text);
    case 'DT':
      return isDay(DAY.exec(text));
    case 'TM':
      return isTime(TIME.exec(text), 1);
    case 'DTM':
    case 'TS': {
      const parts = INSTANT.exec(text);
      return isDay(parts) && isTime(parts, 4);
    }
    default:
      return true;
  }
}

/** What `isWritten` asks, for a message to people; undefined where it asks nothing. */
export function wayOfWriting(type: string): string | undefined {
  switch (type) {
    case 'NM':
      return 'a number';
    case 'SI':
      return 'a whole number from 0';
    case 'DT':
      return 'a day as YYYY[MM[DD]]';
    case 'TM':
      return 'a time as HH[MM[SS[.SSSS]]][+/-ZZZZ]';
    case 'DTM':
    case 'TS':
      return 'a time as YYYY[MM[DD[HH[MM[SS[.SSSS]]]]]][+/-ZZZZ]';
    default:
      return undefined;
  }
}

function isDay(parts: RegExpExecArray | null): boolean {
  if (!parts) return false;
  const year = Number(parts[1]);
  const month = Number(parts[2] ?? 1);
  return month >= 1 && month <= 12 && isBetween(parts[3], 1, daysIn(year, month));
}

/** The time whose hours, minutes, seconds and zone are the parts from `first` on. */
function isTime(parts: RegExpExecArray | null, first: number): boolean {
  if (!parts) return false;
  const zone = parts[first + 3];
  return (
    isBetween(parts[first], 0, 23) &&
    isBetween(parts[first + 1], 0, 59) &&
    isBetween(parts[first + 2], 0, 59) &&
    (zone === undefined || (isBetween(zone.slice(1, 3), 0, 14) && isBetween(zone.slice(3), 0, 59)))
  );
}

function isBetween(digits: string | undefined, least: number, most: number): boolean {
  return digits === undefined || (Number(digits) >= least && Number(digits) <= most);
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}
