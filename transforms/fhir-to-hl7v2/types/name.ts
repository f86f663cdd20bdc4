import { backFrom } from '../codes.ts';
import type { Context } from '../context.ts';
import { type Element, isElement } from '../element.ts';
import { cameAt } from '../hints.ts';
import { put, type Repetition } from '../repetition.ts';
import { timeIn } from './time.ts';

/** Where the parts of a name stand: in an XPN, and in an XCN. */
export interface NamePlaces {
  readonly family: number;
  readonly degree: number;
  readonly use: number;
  readonly order: number;
  /** The range of dates of older versions. */
  readonly period: number;
  readonly start: number;
  readonly end: number;
  readonly professional: number;
}

export const XPN: NamePlaces = {
  family: 1,
  degree: 6,
  use: 7,
  period: 10,
  order: 11,
  start: 12,
  end: 13,
  professional: 14,
};
export const XCN: NamePlaces = {
  family: 2,
  degree: 7,
  use: 10,
  period: 17,
  order: 18,
  start: 19,
  end: 20,
  professional: 21,
};

const HUMAN_NAME = 'http://hl7.org/fhir/StructureDefinition/humanname-';
/** The subcomponents of FN (HL7 2.5.1 §2.A.30) by their extensions. */
const SURNAME: Readonly<Record<string, number>> = {
  [`${HUMAN_NAME}own-prefix`]: 2,
  [`${HUMAN_NAME}own-name`]: 3,
  [`${HUMAN_NAME}partner-prefix`]: 4,
  [`${HUMAN_NAME}partner-name`]: 5,
};
const ORDERS: Readonly<Record<string, string>> = { NL4: 'G', NL1: 'F' };

/** A HumanName in an XPN or XCN value. */
export function nameInto(into: Repetition, name: Element, places: NamePlaces, context: Context): void {
  const { reading } = context;
  const given = reading.texts(name, 'given').filter((text) => text !== undefined);
  const prefix = reading.texts(name, 'prefix').filter((text) => text !== undefined);
  const suffix = reading.texts(name, 'suffix').filter((text) => text !== undefined);
  const at = cameAt(name, reading) ?? [];
  const said = surnameInto(into, name, places, context);
  const text = reading.peek(name, 'text');
  // A name that is nothing but words is told as a surname.
  if (!said && given.length === 0 && text !== undefined) put(into, places.family, 1, reading.text(name, 'text'));
  const [firstGiven, ...others] = given;
  if (at.includes('given') && others.length === 0) put(into, places.family + 2, 1, firstGiven);
  else {
    put(into, places.family + 1, 1, firstGiven);
    put(into, places.family + 2, 1, others.join(' '));
  }
  put(into, places.family + 4, 1, prefix.join(' '));
  suffixInto(into, suffix, at, places);
  const use = reading.text(name, 'use');
  if (use !== undefined) put(into, places.use, 1, backFrom('NameType', use, context.own));
  const period = reading.object(name, 'period');
  const [start, end] = [timeIn(period, 'start', context), timeIn(period, 'end', context)];
  const range = at.includes('period');
  put(into, range ? places.period : places.start, 1, start);
  put(into, range ? places.period : places.end, range ? 2 : 1, end);
  for (const each of reading.objects(name, 'extension')) {
    if (each.url !== `${HUMAN_NAME}assembly-order`) continue;
    put(into, places.order, 1, ORDERS[reading.text(each, 'valueCode') ?? '']);
    reading.take(each, 'url');
  }
}

/** What follows a name: the suffix, the degree of an XPN, the professional suffix; as they came where that is known. */
function suffixInto(into: Repetition, suffix: readonly string[], at: readonly string[], places: NamePlaces): void {
  const known: Readonly<Record<string, number>> = {
    suffix: places.family + 3,
    degree: places.degree,
    professional: places.professional,
  };
  const names = at.filter((name) => Object.hasOwn(known, name));
  const [first, ...rest] = suffix;
  if (names.length === suffix.length) {
    for (const [n, name] of names.entries()) put(into, known[name]!, 1, suffix[n]);
  } else if (suffix.length > 0) {
    put(into, known.suffix!, 1, first);
    put(into, places === XPN ? known.degree! : known.professional!, 1, rest.join(' '));
  }
}

function surnameInto(into: Repetition, name: Element, places: NamePlaces, context: Context): boolean {
  const { reading } = context;
  const family = reading.text(name, 'family');
  const beside = name._family;
  const parts: [number, string][] = [];
  for (const each of isElement(beside) ? reading.objects(beside, 'extension') : []) {
    const at = typeof each.url === 'string' ? SURNAME[each.url] : undefined;
    const text = at === undefined ? undefined : reading.text(each, 'valueString');
    if (at === undefined || text === undefined) continue;
    reading.take(each, 'url');
    parts.push([at, text]);
  }
  const made = parts
    .toSorted(([a], [b]) => a - b)
    .map(([, text]) => text)
    .join(' ');
  // A surname that is its parts was made of them.
  const said = cameAt(name, reading)?.includes('surname') ?? false;
  if (said || !(context.own && parts.length > 0 && family === made)) put(into, places.family, 1, family);
  for (const [at, text] of parts) put(into, places.family, at, text);
  return family !== undefined || parts.length > 0;
}

export function xpnOf(name: Element, context: Context): Repetition | undefined {
  const made: Repetition = [];
  nameInto(made, name, XPN, context);
  return made.length > 0 ? made : undefined;
}
