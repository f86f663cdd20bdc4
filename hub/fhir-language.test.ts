import { expect, it } from 'vitest';
import type { Bundle } from '../contracts/fhir.ts';
import type { Message } from '../core/message.ts';
import { fhirLanguage } from './fhir-language.ts';

const { path, key } = fhirLanguage({ id: 'fhir.r4.Bundle' });
const bundle: Bundle = {
  resourceType: 'Bundle',
  type: 'transaction',
  entry: [
    { resource: { resourceType: 'Patient', id: '7', identifier: [{ system: 'urn:a', value: '1' }] } },
    { resource: { resourceType: 'Observation', status: 'final', code: {}, subject: { reference: 'Patient/8' } } },
  ],
};

it('finds values by path as in JSON', () => {
  expect(path('entry[].resource.status').values(bundle)).toEqual(['final']);
  expect(path('entry[].resource.resourceType').exists(bundle)).toBe(true);
});

it('makes keys of the patients, whichever way they are named', () => {
  expect(key(['$patient'])(bundle, {} as Message<never>)).toEqual(['Patient/7', 'urn:a|1', 'Patient/8']);
  expect(path('$patient').exists({ resourceType: 'Bundle', type: 'batch' })).toBe(false);
});
