import type { HumanName, Identifier } from '@medplum/fhirtypes';
import type { Conversion } from '../conversion.ts';
import type { View } from '../leaves.ts';
import { rows } from '../row-names.ts';
import type { Draft } from '../segment-view.ts';
import { mapped } from '../vocabulary.ts';
import { systemOf, typeOf } from './authority.ts';
import { codingOf } from './coded.ts';
import { nameOfXcn } from './name.ts';
import { authorityOf } from './organization.ts';

const XCN = rows('XCN[Practitioner]', 3, 9, 11, 12, 18);

/** An XCN value (HL7 2.5.1 §2.A.86) as the person it names; undefined where it names nobody. */
export function practitionerOf(view: View, conversion: Conversion): Draft | undefined {
  const identifier = identifierIn(view, conversion);
  const name = nameOfXcn(view, conversion);
  if (!identifier && !name) return undefined;
  const practitioner = conversion.resources.make('Practitioner');
  if (identifier) practitioner.identifier = [identifier];
  if (name) practitioner.name = [name];
  const degree = view.take(7, XCN[9]);
  if (degree !== undefined) {
    const target = mapped('DegreeLicenseCertificate', degree);
    practitioner.qualification = [{ code: target ? { coding: [codingOf(target)] } : { text: degree } }];
  }
  return practitioner;
}

function identifierIn(view: View, conversion: Conversion): Identifier | undefined {
  const value = view.take(1, XCN[3]);
  if (value === undefined) return undefined;
  const identifier: Identifier = {};
  const type = view.take(13, XCN[18]);
  if (type !== undefined) identifier.type = typeOf(type);
  const authority = view.sub(9);
  const system = authority && systemOf(authority, XCN[12], conversion);
  if (system !== undefined) identifier.system = system;
  identifier.value = value;
  if (authority) identifier.assigner = authorityOf(authority, XCN[11], conversion);
  return identifier;
}

const CNN = rows('CNN[Practitioner]', 3, 4, 5, 6, 7, 8, 9);

/** A CNN value: a person in the subcomponents of an NDL. */
export function practitionerOfCnn(view: View, conversion: Conversion): Draft | undefined {
  const value = view.take(1, CNN[3]);
  const family = view.take(2, CNN[4]);
  const given = [view.take(3, CNN[5]), view.take(4, CNN[6])].filter((text) => text !== undefined);
  const suffix = [view.take(5, CNN[7]), view.take(7, CNN[9])].filter((text) => text !== undefined);
  const prefix = view.take(6, CNN[8]);
  const name: HumanName = {
    ...(family !== undefined && { family }),
    ...(given.length > 0 && { given }),
    ...(prefix !== undefined && { prefix: [prefix] }),
    ...(suffix.length > 0 && { suffix }),
  };
  const named = Object.keys(name).length > 0;
  if (value === undefined && !named) return undefined;
  const practitioner = conversion.resources.make('Practitioner');
  if (value !== undefined) {
    const authority = view.authority([view.parts[8], view.parts[9], view.parts[10]]);
    const system = authority.valued ? systemOf(authority, CNN[3], conversion) : undefined;
    practitioner.identifier = [
      {
        ...(system !== undefined && { system }),
        value,
        ...(authority.valued && { assigner: authorityOf(authority, CNN[3], conversion) }),
      },
    ];
  }
  if (named) practitioner.name = [name];
  return practitioner;
}
