import type { Identifier, Organization, Reference } from '@medplum/fhirtypes';
import type { Conversion } from '../conversion.ts';
import type { View } from '../leaves.ts';
import { rows } from '../row-names.ts';
import type { Draft } from '../segment-view.ts';
import { cameFrom, table } from '../urls.ts';
import { systemFor, systemNamed } from '../vocabulary.ts';
import { systemOf, typeOf } from './authority.ts';
import { universalUri } from './primitive.ts';

const HD = rows('HD[Organization]', 3, 4, 5, 6);

/** An HD value as the identifiers of who is meant: its name, and its universal identifier. */
export function identifiersOfHd(view: View): Identifier[] {
  const id = view.take(2, HD[4]);
  // Without an identifier nothing is of its kind.
  const kind = id === undefined ? undefined : view.take(3, HD[5]);
  const name = view.take(1, HD[3]);
  if (id === undefined) return name === undefined ? [] : [{ value: name }];
  const uri = universalUri(id, kind);
  const type = kind === undefined ? undefined : { coding: [{ system: systemFor(table('0301'), kind), code: kind }] };
  const system = uri?.startsWith('urn:oid:') || uri?.startsWith('urn:uuid:') ? 'urn:ietf:rfc:3986' : undefined;
  const universal: Identifier = {};
  if (!type && !system) universal.extension = [cameFrom('2')];
  if (type) universal.type = type;
  if (system) universal.system = system;
  universal.value = system && uri ? uri : id;
  return name === undefined ? [universal] : [universal, { value: name }];
}

/** As `identifiersOfHd` marks them. */
function markHd(view: View): void {
  if (view.take(2, HD[4]) !== undefined) view.take(3, HD[5]);
  view.take(1, HD[3]);
}

/** An organization that an HD value names. */
export function organizationOfHd(view: View, conversion: Conversion): Draft | undefined {
  const name = view.peek(1);
  const id = view.peek(2);
  if (name === undefined && id === undefined) return undefined;
  const { resources } = conversion;
  const key = `hd|${name ?? ''}|${id ?? ''}|${view.peek(3) ?? ''}`;
  const known = resources.known('Organization', key);
  if (known) {
    markHd(view);
    return known;
  }
  const identifier = identifiersOfHd(view);
  const organization = resources.make('Organization');
  resources.keyed(organization, key);
  organization.identifier = identifier;
  if (name !== undefined) organization.name = name;
  return organization;
}

/** Who assigned an identifier. */
export function authorityOf(view: View, _row: string, conversion: Conversion): Reference<Organization> {
  const organization = organizationOfHd(view, conversion);
  if (organization) return conversion.resources.reference<Organization>(organization);
  conversion.doubtful = true;
  return {};
}

const XON = rows('XON[Organization]', 3, 5, 10, 11, 12, 13, 16);

/** An XON value (HL7 2.5.1 §2.A.88). */
export function organizationOfXon(view: View, conversion: Conversion): Draft | undefined {
  const name = view.take(1, XON[3]);
  const row = view.has(10) ? XON[16] : XON[5];
  const value = view.take(10, row) ?? view.take(3, row);
  if (name === undefined && value === undefined) return undefined;
  const organization = conversion.resources.make('Organization');
  if (value !== undefined) {
    const authority = view.sub(6);
    const type = view.take(7, XON[12]);
    const identifier: Identifier = {};
    if (type !== undefined) identifier.type = typeOf(type);
    const system = authority && systemOf(authority, XON[11], conversion);
    if (system !== undefined) identifier.system = system;
    identifier.value = value;
    if (authority) identifier.assigner = authorityOf(authority, XON[10], conversion);
    if (row === XON[5]) identifier.extension = [cameFrom('3')];
    organization.identifier = [identifier];
  }
  if (name !== undefined) organization.name = name;
  return organization;
}

const CWE = rows('CWE[Organization]', 3, 4, 5, 11);

/** A coded value that names an organization. */
export function organizationOfCwe(view: View, conversion: Conversion): Draft | undefined {
  const code = view.take(1, CWE[3]);
  const text = view.take(9, CWE[11]);
  const display = view.take(2, CWE[4]);
  const system = view.take(3, CWE[5]);
  if (code === undefined && text === undefined && display === undefined) return undefined;
  const organization = conversion.resources.make('Organization');
  if (code !== undefined) {
    organization.identifier = [system === undefined ? { value: code } : { system: systemNamed(system), value: code }];
  }
  const name = display ?? text;
  if (name !== undefined) organization.name = name;
  if (text !== undefined && text !== name) organization.alias = [text];
  if (display === undefined && text !== undefined) organization.extension = [cameFrom('9')];
  return organization;
}

const DEVICE = rows('CWE[Device]', 3, 5, 6, 7, 9, 11, 12, 13);

/** A coded value that names a device. */
export function deviceOfCwe(view: View, conversion: Conversion): Draft | undefined {
  const code = view.take(1, DEVICE[3]);
  const name = view.take(2, DEVICE[5]);
  const system = view.take(3, DEVICE[7]);
  if (code === undefined && name === undefined) return undefined;
  const device = conversion.resources.make('Device');
  if (code !== undefined) {
    device.identifier = [{ ...(system !== undefined && { system: systemNamed(system) }), value: code }];
  }
  if (name !== undefined) device.deviceName = [{ name, type: 'other' }];
  return device;
}

const WORDS = rows('XON[string]', 3, 13);

/** The name of an organization, else its number. */
export function wordsOfXon(view: View): string | undefined {
  return view.take(1, WORDS[3]) ?? view.take(10, WORDS[13]);
}
