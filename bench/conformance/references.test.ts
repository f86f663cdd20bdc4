import { describe, expect, it } from 'vitest';
import { danglingIn, emptyIn } from './references.ts';

const bundle = (...resources: object[]) => ({
  resourceType: 'Bundle',
  entry: resources.map((resource, at) => ({ fullUrl: `urn:uuid:${at}`, resource })),
});

describe('references', () => {
  it('lead to an entry by its address or its type and id, to a contained resource, or elsewhere', () => {
    const good = bundle(
      { resourceType: 'Patient', id: 'p' },
      {
        resourceType: 'Observation',
        contained: [{ resourceType: 'Organization', id: 'o' }],
        subject: { reference: 'urn:uuid:0' },
        focus: [{ reference: 'Patient/p' }],
        performer: [{ reference: '#o' }, { reference: 'https://example.org/Organization/1' }],
      },
    );
    expect(danglingIn(good)).toEqual([]);
  });

  it('are found wherever they lead nowhere', () => {
    const bad = bundle({
      resourceType: 'Observation',
      subject: { reference: 'urn:uuid:7' },
      performer: [{ reference: '#o' }],
      extension: [{ url: 'x', valueReference: { reference: 'Patient/p' } }],
    });
    expect(danglingIn(bad)).toEqual([
      ...['Observation.subject', 'Observation.performer', 'Observation.extension.valueReference'],
    ]);
  });
});

describe('what holds nothing', () => {
  it('is a resource with nothing of its own', () => {
    const found = bundle(
      { resourceType: 'Specimen', id: 's', subject: { reference: 'urn:uuid:1' } },
      { resourceType: 'Patient', id: 'p', meta: { versionId: '1' } },
      { resourceType: 'PractitionerRole', practitioner: { reference: 'urn:uuid:1' } },
    );
    expect(emptyIn(found)).toEqual(['Specimen', 'Patient']);
  });

  it('is an empty text, list or object; a null only outside lists of primitives', () => {
    const found = bundle({
      resourceType: 'Patient',
      name: [{ family: ' ', given: ['A', null], _given: [null, { id: 'x' }] }],
      contact: [],
      maritalStatus: {},
      gender: null,
    });
    expect(emptyIn(found)).toEqual([
      ...['Patient.name.family', 'Patient.contact', 'Patient.maritalStatus', 'Patient.gender'],
    ]);
  });
});
