import type { Organization } from '@medplum/fhirtypes';
import type { Conversion } from '../conversion.ts';
import type { View } from '../leaves.ts';
import { rows } from '../row-names.ts';
import type { Draft } from '../segment-view.ts';
import { cameFrom } from '../urls.ts';
import { mapped } from '../vocabulary.ts';
import { codeableConceptOf, codingOf } from './coded.ts';
import { identifierOfEi } from './identifier.ts';
import { identifiersOfHd, organizationOfHd } from './organization.ts';

const KIND = 'http://terminology.hl7.org/CodeSystem/location-physical-type';
const PL = rows(
  'PL[Location]',
  ...([
    4, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36,
  ] as const),
);

interface Level {
  readonly component: number;
  readonly kind: string;
  readonly display: string;
  readonly row: string;
}

/** From the outside in: facility, building, floor, point of care, room, bed. */
const LEVELS: readonly Level[] = [
  { component: 4, kind: 'si', display: 'Site', row: PL[19] },
  { component: 7, kind: 'bu', display: 'Building', row: PL[25] },
  { component: 8, kind: 'lvl', display: 'Level', row: PL[30] },
  { component: 1, kind: 'wa', display: 'Ward', row: PL[4] },
  { component: 2, kind: 'ro', display: 'Room', row: PL[9] },
  { component: 3, kind: 'bd', display: 'Bed', row: PL[14] },
];

/** A PL value (HL7 2.5.1 §2.A.53): each place that it names, in the one around it. Answers the innermost. */
export function locationOf(view: View, conversion: Conversion): Draft | undefined {
  const { resources } = conversion;
  let inner: Draft | undefined;
  let key = 'pl';
  for (const { component, kind, display, row } of LEVELS) {
    const part = view.sub(component);
    if (!part) continue;
    key += `|${component}=${part.peek(1) ?? ''}&${part.peek(2) ?? ''}`;
    const identifier = identifiersOfHd(part);
    view.mark(component, row);
    const known = resources.known('Location', key);
    if (known) {
      inner = known;
      continue;
    }
    const location = resources.make('Location');
    resources.keyed(location, key);
    location.identifier = identifier;
    location.mode = 'instance';
    location.physicalType = { coding: [{ system: KIND, code: kind, display }] };
    if (inner) location.partOf = resources.reference(inner);
    inner = location;
  }
  const description = view.take(9, PL[35]);
  if (!inner && description === undefined && !view.has(10)) return undefined;
  if (!inner) {
    inner = resources.make('Location');
    resources.keyed(inner, `${key}|9=${description ?? ''}|10=${view.peekSub(10, 1) ?? ''}`);
  }
  if (description !== undefined) inner.description = description;
  const own = view.sub(10);
  const identifier = own && identifierOfEi(own, conversion);
  if (identifier) {
    const authority = view.sub(11);
    const assigner = authority && !identifier.assigner ? organizationOfHd(authority, conversion) : undefined;
    if (assigner) identifier.assigner = resources.reference<Organization>(assigner);
    inner.identifier = [...((inner.identifier as object[] | undefined) ?? []), identifier];
  }
  return inner;
}

const HD = rows('HD[Location]', 3, 4, 5, 6);

/** A facility that an HD value names. */
export function locationOfHd(view: View, conversion: Conversion): Draft | undefined {
  const name = view.take(1, HD[3]);
  const identifier = identifiersOfHd(view);
  if (identifier.length === 0) return undefined;
  const location = conversion.resources.make('Location');
  conversion.resources.keyed(location, `hd|${name ?? ''}|${view.peek(2) ?? ''}`);
  location.identifier = identifier;
  if (name !== undefined) location.name = name;
  location.physicalType = { coding: [{ system: KIND, code: 'si', display: 'Site' }] };
  return location;
}

const DLD = rows('DLD[Location-Discharge]', 3);

/** Where a patient was discharged to: a code for the kind of place. */
export function locationOfDld(view: View, conversion: Conversion): Draft | undefined {
  const coded = view.sub(1);
  const type = coded && codeableConceptOf(coded, { table: '0113' });
  if (!type) return undefined;
  view.mark(1, DLD[3]);
  const location = conversion.resources.make('Location');
  location.type = [type];
  return location;
}

const XON = rows('XON[Location]', 3, 5, 12, 16);

/** A place that an XON value names. */
export function locationOfXon(view: View, conversion: Conversion): Draft | undefined {
  const name = view.take(1, XON[3]);
  const value = view.take(10, XON[16]) ?? view.take(3, XON[5]);
  if (name === undefined && value === undefined) return undefined;
  const location = conversion.resources.make('Location');
  const type = view.take(7, XON[12]);
  const target = type === undefined ? undefined : mapped('IdentifierType', type);
  if (value !== undefined) {
    location.identifier = [
      {
        ...(!view.has(10) && { extension: [cameFrom('3')] }),
        ...(type !== undefined && { type: target ? { coding: [codingOf(target)] } : { text: type } }),
        value,
      },
    ];
  }
  if (name !== undefined) location.name = name;
  return location;
}
