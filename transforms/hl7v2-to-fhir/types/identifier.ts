import type { Identifier } from '@medplum/fhirtypes';
import type { Conversion } from '../conversion.ts';
import type { View } from '../leaves.ts';
import { rows } from '../row-names.ts';
import { namespaceSystem, table } from '../urls.ts';
import { mapped, systemFor, systemNamed } from '../vocabulary.ts';
import { systemOf, systemOfName, typeOf } from './authority.ts';
import { codingOf } from './coded.ts';
import { dateOf, dateTimeOf } from './date-time.ts';
import { authorityOf } from './organization.ts';
import { bounded } from './period.ts';
import { universalUri } from './primitive.ts';

const CX = rows('CX[Identifier]', 3, 8, 9, 10, 12, 13);

/** A CX value (HL7 2.5.1 §2.A.14). Its system is that of the assigning authority, which is an organization besides. */
export function identifierOfCx(view: View, conversion: Conversion): Identifier | undefined {
  const value = view.take(1, CX[3]);
  const authority = view.sub(4);
  const type = view.take(5, CX[10]);
  if (value === undefined && type === undefined && !authority) return undefined;
  const identifier: Identifier = {};
  if (type !== undefined) identifier.type = typeOf(type);
  if (authority) {
    const system = systemOf(authority, CX[9], conversion);
    if (system !== undefined) identifier.system = system;
  }
  if (value !== undefined) identifier.value = value;
  const [from, until] = [view.peek(7), view.peek(8)];
  const start = from === undefined ? undefined : dateTimeOf(from, conversion);
  const end = until === undefined ? undefined : dateTimeOf(until, conversion);
  if (start !== undefined) view.mark(7, CX[12]);
  if (end !== undefined) view.mark(8, CX[13]);
  const period = bounded(start, end, from, until);
  if (period) identifier.period = period;
  if (authority) identifier.assigner = authorityOf(authority, CX[8], conversion);
  return identifier;
}

const EI = rows('EI[Identifier-Extension]', 3);
const ORGANIZATION = rows('EI[Identifier-Organization]', 3, 4, 5, 6);

/** An EI value: EI-2 to EI-4 are the authority, as HD has it. */
export function identifierOfEi(view: View, conversion: Conversion): Identifier | undefined {
  const value = view.take(1, EI[3]);
  const identifier: Identifier = {};
  const name = view.peek(2);
  const id = view.peek(3);
  const kind = view.peek(4);
  const configured = name === undefined ? undefined : conversion.systems.get(name);
  const uri = id === undefined ? undefined : universalUri(id, kind);
  const system = configured ?? uri ?? (name === undefined ? undefined : systemOfName(name));
  if (value === undefined && system === undefined) return undefined;
  if (system !== undefined) identifier.system = system;
  if (value !== undefined) identifier.value = value;
  if (name !== undefined || id !== undefined) {
    const authority = view.authority([view.parts[1], view.parts[2], view.parts[3]]);
    identifier.assigner = authorityOf(authority, ORGANIZATION[4], conversion);
  }
  return identifier;
}

const PLACER = rows('EIP[Identifier-PlacerAssignedIdentifier]', 3, 4, 5);
const FILLER = rows('EIP[Identifier-FillerAssignedIdentifier]', 6, 7, 8);

/** The placer's half of an EIP value, or the filler's: an EI in subcomponents. */
export function identifierOfEip(view: View, half: 'placer' | 'filler', conversion: Conversion): Identifier | undefined {
  const own = view.sub(half === 'placer' ? 1 : 2);
  const identifier = own && identifierOfEi(own, conversion);
  if (!identifier) return undefined;
  view.mark(half === 'placer' ? 1 : 2, half === 'placer' ? PLACER[3] : FILLER[6]);
  const code = half === 'placer' ? 'PGN' : 'FGN';
  return { type: { coding: [{ system: systemFor(table('0203'), code), code }] }, ...identifier };
}

const DLN = rows('DLN[Identifier]', 3, 4, 5, 6, 7);

/** A driver's licence: number, who issued it, when it expires. */
export function identifierOfDln(view: View, conversion: Conversion): Identifier | undefined {
  const value = view.take(1, DLN[3]);
  if (value === undefined) return undefined;
  const issuer = view.take(2, DLN[6]);
  const identifier: Identifier = { type: { coding: [{ system: table('0203'), code: 'DL' }] }, value };
  if (issuer !== undefined) identifier.system = namespaceSystem(issuer);
  const until = view.peek(3);
  const end = until === undefined ? undefined : dateOf(until, conversion);
  if (end !== undefined) {
    view.mark(3, DLN[7]);
    identifier.period = { end };
  }
  return identifier;
}

const PLN = rows('PLN[Identifier]', 3, 4, 6);

/** A practitioner's licence or other number: number, its type, the state, when it expires. */
export function identifierOfPln(view: View, conversion: Conversion): Identifier | undefined {
  const value = view.take(1, PLN[3]);
  if (value === undefined) return undefined;
  const identifier: Identifier = { value };
  const type = view.take(2, PLN[4]);
  if (type !== undefined) {
    const target = mapped('PractitionerIDNumberType', type);
    identifier.type = target ? { coding: [codingOf(target)] } : typeOf(type);
  }
  const until = view.peek(4);
  const end = until === undefined ? undefined : dateTimeOf(until, conversion);
  if (end !== undefined) view.mark(4, PLN[6]);
  const period = bounded(undefined, end, undefined, until);
  if (period) identifier.period = period;
  return identifier;
}

const CWE = rows('CWE[Identifier]', 3, 4, 5, 6, 7, 8);

/** A coded value taken for an identifier: its code is the value, its name what it is called. */
export function identifierOfCwe(view: View): Identifier | undefined {
  const value = view.take(1, CWE[3]) ?? view.take(4, CWE[6]);
  if (value === undefined) return undefined;
  const name = view.take(2, CWE[4]);
  const system = view.take(3, CWE[5]);
  return {
    ...(name !== undefined && { type: { text: name } }),
    ...(system !== undefined && { system: systemNamed(system) }),
    value,
  };
}
