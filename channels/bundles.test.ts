/** What the tests of the channels expect as bundles is what R4 allows: the feeds of each interface end as valid FHIR. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { validateResource } from '../clients/fhir/validate.ts';
import { fhirBundle } from '../contracts/fhir.ts';

const folder = join(import.meta.dirname, 'expected');
const bundles = readdirSync(folder).filter((name) => name.endsWith('.bundle.json'));

it('are of every feed', () => {
  expect(bundles.map((name) => name.slice(0, 3)).sort()).toEqual(['adt', 'dft', 'oru', 'siu', 'vxu']);
});

it.for(bundles)('%s is valid by R4, and holds what the message is about', (name) => {
  const bundle = fhirBundle.decode(readFileSync(join(folder, name)), {});
  expect(validateResource(bundle).filter(({ severity }) => severity === 'error')).toEqual([]);
  const types = bundle.entry?.map(({ resource }) => resource?.resourceType) ?? [];
  const about = { adt: 'Encounter', dft: 'ChargeItem', oru: 'Observation', siu: 'Appointment', vxu: 'Immunization' };
  expect(types).toEqual(expect.arrayContaining(['MessageHeader', 'Patient', about[name.slice(0, 3) as 'adt']]));
});
