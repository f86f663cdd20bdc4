import type { HumanName } from '@medplum/fhirtypes';
import type { Conversion } from '../conversion.ts';
import type { View } from '../leaves.ts';
import { rows } from '../row-names.ts';
import { cameFrom } from '../urls.ts';
import { mapped } from '../vocabulary.ts';
import { periodOf } from './period.ts';

const OWN_PREFIX = 'http://hl7.org/fhir/StructureDefinition/humanname-own-prefix';
const OWN_NAME = 'http://hl7.org/fhir/StructureDefinition/humanname-own-name';
const PARTNER_PREFIX = 'http://hl7.org/fhir/StructureDefinition/humanname-partner-prefix';
const PARTNER_NAME = 'http://hl7.org/fhir/StructureDefinition/humanname-partner-name';
const ORDER = 'http://hl7.org/fhir/StructureDefinition/humanname-assembly-order';

const FN = rows('FN[HumanName]', 3, 4, 5, 6, 7, 8, 9, 10, 11);

/** Where the parts of a name stand in a value: XPN and XCN have them at different places. */
interface NamePlaces {
  readonly family: number;
  readonly use: number;
  readonly period: number;
  readonly order: number;
  readonly start: number;
  readonly end: number;
  readonly professional: number;
  readonly rows: Readonly<
    Record<
      | 'given'
      | 'second'
      | 'suffix'
      | 'prefix'
      | 'degree'
      | 'use'
      | 'period'
      | 'order'
      | 'start'
      | 'end'
      | 'professional',
      string
    >
  >;
}

const X = rows('XPN[HumanName]', 3, 4, 5, 6, 7, 8, 9, 12, 13, 14, 15, 16, 17, 18, 19);
const XPN: NamePlaces = {
  ...{ family: 1, use: 7, period: 10, order: 11, start: 12, end: 13, professional: 14 },
  rows: {
    ...{ given: X[4], second: X[5], suffix: X[6], prefix: X[7], degree: X[8], use: X[9], period: X[12], order: X[14] },
    ...{ start: X[15], end: X[16], professional: X[17] },
  },
};
const C = rows('XCN[Practitioner]', 4, 5, 6, 7, 8, 9, 13, 22, 23, 24, 25, 26, 27);
const XCN: NamePlaces = {
  ...{ family: 2, use: 10, period: 17, order: 18, start: 19, end: 20, professional: 21 },
  rows: {
    ...{ given: C[5], second: C[6], suffix: C[7], prefix: C[8], degree: C[9], use: C[13], period: C[22], order: C[24] },
    ...{ start: C[25], end: C[26], professional: C[27] },
  },
};

/** An XPN value (HL7 2.5.1 §2.A.89). */
export function nameOfXpn(view: View, conversion: Conversion): HumanName | undefined {
  return nameAt(view, XPN, conversion);
}

/** The name in an XCN value; its degree is left for the qualification. */
export function nameOfXcn(view: View, conversion: Conversion): HumanName | undefined {
  return nameAt(view, XCN, conversion);
}

function nameAt(view: View, places: NamePlaces, conversion: Conversion): HumanName | undefined {
  const { rows: at } = places;
  const name: HumanName = {};
  const use = view.peek(places.use);
  const meant = use === undefined ? undefined : mapped('NameType', use);
  if (meant && USES.has(meant[0])) {
    if (meant[4] === use) view.mark(places.use, at.use);
    name.use = meant[0] as NonNullable<HumanName['use']>;
  }
  const isWhole = family(view, places.family, name);
  const first = view.take(places.family + 1, at.given);
  const second = view.take(places.family + 2, at.second);
  const given = listOf(first, second);
  if (given) name.given = given;
  const prefix = view.take(places.family + 4, at.prefix);
  if (prefix !== undefined) name.prefix = [prefix];
  const last = view.take(places.family + 3, at.suffix);
  const degree = places === XPN ? view.take(6, at.degree) : undefined;
  const professional = view.take(places.professional, at.professional);
  const suffix = listOf(last, degree, professional);
  if (suffix) name.suffix = suffix;
  if (saysNothing(name)) {
    // Of a use alone no name is made.
    for (const [, , leaf] of view.leaves()) if (leaf.mark === at.use) leaf.mark = undefined;
    return undefined;
  }
  const parts: string[] = first === undefined && second !== undefined ? ['given'] : [];
  if (isWhole) parts.push('surname');
  if (suffix) parts.push(...suffixesToTell(places, last, degree, professional));
  if (dates(view, places, name, conversion)) parts.push('period');
  if (parts.length > 0) name.extension = [cameFrom(...parts)];
  const order = view.peek(places.order);
  if (order === 'G' || order === 'F') {
    view.mark(places.order, at.order);
    (name.extension ??= []).push({ url: ORDER, valueCode: order === 'G' ? 'NL4' : 'NL1' });
  }
  return name;
}

/** Those that there are; undefined where there are none. */
function listOf(
  first: string | undefined,
  second: string | undefined,
  third?: string | undefined,
): string[] | undefined {
  if (second === undefined && third === undefined) return first === undefined ? undefined : [first];
  const list: string[] = [];
  for (const each of [first, second, third]) if (each !== undefined) list.push(each);
  return list;
}

/** Whether it has no part but its use. */
function saysNothing(name: HumanName): boolean {
  for (const key in name) if (key !== 'use') return false;
  return true;
}

/** Which components the suffixes of a name are from, where they are not the first ones. */
function suffixesToTell(
  places: NamePlaces,
  suffix: string | undefined,
  degree: string | undefined,
  professional: string | undefined,
): string[] {
  const said: string[] = [];
  if (suffix !== undefined) said.push('suffix');
  if (degree !== undefined) said.push('degree');
  if (professional !== undefined) said.push('professional');
  const usual = places === XPN ? 'degree' : 'professional';
  const isUsual = said[0] === 'suffix' && (said.length === 1 || (said.length === 2 && said[1] === usual));
  return isUsual ? [] : said;
}

const USES = new Set(['usual', 'official', 'temp', 'nickname', 'anonymous', 'old', 'maiden']);

/** The dates between which a name holds; answers whether they came from the range that older versions have for them. */
function dates(view: View, places: NamePlaces, name: HumanName, conversion: Conversion): boolean {
  const { rows: at } = places;
  const period =
    view.has(places.start) || view.has(places.end)
      ? periodOf(view, places.start, places.end, at.start, at.end, conversion)
      : undefined;
  if (period) name.period = period;
  const range = period ? undefined : view.sub(places.period);
  const said = range && periodOf(range, 1, 2, at.period, at.period, conversion);
  if (said) name.period = said;
  return said !== undefined;
}

/** FN: the surname, and what it is made of (HL7 2.5.1 §2.A.30); answers whether it was sent though its parts say the same. */
function family(view: View, n: number, name: HumanName): boolean {
  const surname = view.takeSub(n, 1, FN[3]);
  const ownPrefix = view.takeSub(n, 2, FN[5]);
  const ownName = view.takeSub(n, 3, FN[7]);
  const partnerPrefix = view.takeSub(n, 4, FN[9]);
  const partnerName = view.takeSub(n, 5, FN[11]);
  if (surname !== undefined) name.family = surname;
  if ((ownPrefix ?? ownName ?? partnerPrefix ?? partnerName) === undefined) return false;
  const extension = [
    ...(ownPrefix === undefined ? [] : [{ url: OWN_PREFIX, valueString: ownPrefix }]),
    ...(ownName === undefined ? [] : [{ url: OWN_NAME, valueString: ownName }]),
    ...(partnerPrefix === undefined ? [] : [{ url: PARTNER_PREFIX, valueString: partnerPrefix }]),
    ...(partnerName === undefined ? [] : [{ url: PARTNER_NAME, valueString: partnerName }]),
  ];
  const made = [ownPrefix, ownName, partnerPrefix, partnerName].filter(Boolean).join(' ');
  if (surname === undefined) name.family = made;
  Object.assign(name, { _family: { extension } });
  return surname === made;
}

const STRING = rows('XPN[string]', 3);

/** A name as one text, as people would write it. */
export function wordsOfName(view: View): string | undefined {
  const places = [5, 2, 3, 1, 4, 6].filter((n) => view.peek(n) !== undefined);
  // Of words alone no parts come back: they are kept besides.
  const parts = places.map((n) => (places.length === 1 && n === 1 ? view.take(n, STRING[3])! : view.peek(n)!));
  return parts.length > 0 ? parts.join(' ') : undefined;
}
