import { V2 } from '../hl7v2-to-fhir/urls.ts';
import { type Element, isElement, type Reading } from './element.ts';

/** Where the way there says which field an element came from, when its place alone does not: `PID-2`. */
export const FROM = `${V2}from`;
/** Which components the parts of an element came from, where they are not the first ones: `1.1 1.3 2`. */
export const AT = `${V2}at`;
/** Which segment of its name, and which repetition, a kept value stood in, where that is not the first one. */
const PLACE = `${V2}place`;
/** What was sent, where FHIR’s form says less: `1.50`, a time to the minute. */
const AS_SENT = `${V2}as-sent`;

function extensionOf(element: Element | undefined, url: string, reading: Reading): string | undefined {
  const list = element?.extension;
  if (!Array.isArray(list)) return undefined;
  for (const each of list) {
    if (!isElement(each) || each.url !== url) continue;
    reading.take(each, 'url');
    return reading.text(each, 'valueCode') ?? reading.text(each, 'valueString');
  }
  return undefined;
}

export function cameFrom(element: Element | undefined, reading: Reading): string | undefined {
  return extensionOf(element, FROM, reading);
}

/** The components that the parts of an element came from. */
export function cameAt(element: Element | undefined, reading: Reading): string[] | undefined {
  return extensionOf(element, AT, reading)?.split(' ');
}

/** The text of a primitive as it was sent. */
export function asSent(parent: Element | undefined, key: string, reading: Reading): string | undefined {
  const beside = parent?.[`_${key}`];
  return isElement(beside) ? extensionOf(beside, AS_SENT, reading) : undefined;
}

/** Where a kept value stood: which segment of its name, and which repetition where that is said; both from 1. */
export function placeOf(
  extension: Element,
  reading: Reading,
): { readonly which: number; readonly repetition: number | undefined } {
  for (const key in extension) {
    if (!key.startsWith('value') && !key.startsWith('_value')) continue;
    const value = extension[key];
    const note = isElement(value) ? extensionOf(value, PLACE, reading) : undefined;
    if (note === undefined) continue;
    const [, which] = /segment=(\d{1,4})/.exec(note) ?? [];
    const [, repetition] = /repetition=(\d{1,4})/.exec(note) ?? [];
    return { which: Number(which ?? '1'), repetition: repetition === undefined ? undefined : Number(repetition) };
  }
  return { which: 1, repetition: undefined };
}
