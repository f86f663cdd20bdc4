import { V2 } from '../../hl7v2-to-fhir/urls.ts';
import type { Context } from '../context.ts';
import type { Element } from '../element.ts';
import { asSent } from '../hints.ts';

const TIME = /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d):(\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)?)?)?)?$/;
const MINUTE_MS = 60_000;

/** A date, dateTime or instant in an element, as DT, TS and DTM write it (HL7 2.5.1 §2.A.22): as it was sent where that is known. */
export function timeIn(element: Element | undefined, key: string, context: Context): string | undefined {
  const sent = asSent(element, key, context.reading);
  const text = context.reading.text(element, key) ?? (key === 'end' ? endBeside(element, context) : undefined);
  return sent ?? (text === undefined ? undefined : timeOf(text, context));
}

/** The end of a period that ends before it begins: it stands beside it. */
function endBeside(period: Element | undefined, { reading }: Context): string | undefined {
  const kept = reading.objects(period, 'extension').find(({ url }) => url === `${V2}end`);
  if (kept) reading.take(kept, 'url');
  return reading.text(kept, 'valueDateTime');
}

export function timeOf(text: string, context: Context): string | undefined {
  const [, year, month = '', day = '', hour, minute = '', second = '', fraction = '', zone] = TIME.exec(text) ?? [];
  if (year === undefined) {
    context.issue('bad-date', '', 'a time that is none was left out');
    return undefined;
  }
  if (hour === undefined) return `${year}${month}${day}`;
  const inZone = context.zone && zone !== undefined ? wallTime(text, context) : undefined;
  // Four digits of a second are all that a TS holds.
  return (
    (inZone ?? `${year}${month}${day}${hour}${minute}${second}`) + fraction.slice(0, 5) + offset(text, zone, context)
  );
}

/** On the clocks of the configured zone. */
function wallTime(text: string, { zone }: Context): string | undefined {
  const instant = Date.parse(text);
  if (Number.isNaN(instant) || !zone) return undefined;
  const shown = new Date(instant + zone.offsetAt(instant) * MINUTE_MS).toISOString();
  return shown.slice(0, 19).replace(/[-T:]/g, '');
}

function offset(text: string, said: string | undefined, { zone }: Context): string {
  if (said === undefined) return '';
  const instant = Date.parse(text);
  if (zone && !Number.isNaN(instant)) {
    const minutes = zone.offsetAt(instant);
    const size = Math.abs(minutes);
    return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}${two(size % 60)}`;
  }
  return said === 'Z' ? '+0000' : said.replace(':', '');
}

const two = (n: number) => String(n).padStart(2, '0');

/** A time of day as TM writes it. */
export function timeOfDay(text: string): string | undefined {
  const [, hour, minute, second, fraction = ''] = /^(\d\d):(\d\d):(\d\d)(\.\d+)?$/.exec(text) ?? [];
  return hour === undefined ? undefined : `${hour}${minute}${second}${fraction.slice(0, 5)}`;
}
