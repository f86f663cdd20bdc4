import { describe, expect, it } from 'vitest';
import { resourceTypes } from '../../protocols/fhir/resource-types.ts';
import { Definitions } from './definitions.ts';
import { validateResource } from './validate.ts';
import { ValueSets } from './value-sets.ts';

const brief = (resource: unknown) =>
  validateResource(resource as never).map(({ severity, path, code }) => `${severity} ${path} ${code}`);

describe('validation by the definitions of R4', () => {
  it('finds nothing wrong with what is right', () => {
    expect(
      brief({
        resourceType: 'Patient',
        id: 'a.1',
        identifier: [{ system: 'urn:oid:1.2.3', value: '7' }],
        name: [
          {
            use: 'official',
            family: 'Berger',
            given: ['Eva', 'Maria'],
            _given: [null, { extension: [{ url: 'http://example.org/x', valueString: 'y' }] }],
          },
        ],
        gender: 'female',
        birthDate: '1970-02-28',
        contained: [{ resourceType: 'Organization', id: 'o', name: 'Ward 7' }],
        managingOrganization: { reference: '#o' },
      }),
    ).toEqual([]);
    expect(
      brief({
        resourceType: 'Observation',
        status: 'final',
        category: [
          { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'laboratory' }] },
        ],
        code: { coding: [{ system: 'http://loinc.org', code: '2823-3' }] },
        subject: { reference: 'Patient/7' },
        effectiveDateTime: '2026-01-31T23:59:58+01:00',
        valueQuantity: { value: 4.1, unit: 'mmol/L', system: 'http://unitsofmeasure.org', code: 'mmol/L' },
      }),
    ).toEqual([]);
  });

  it.for([
    [
      'an element that R4 does not have',
      { resourceType: 'Patient', nickname: 'x' },
      'error Patient.nickname structure',
    ],
    ['a missing element', { resourceType: 'Observation', status: 'final' }, 'error Observation.code structure'],
    [
      'a day that does not exist',
      { resourceType: 'Patient', birthDate: '2024-02-30' },
      'error Patient.birthDate structure',
    ],
    ['one where a list has to be', { resourceType: 'Patient', name: { family: 'x' } }, 'error Patient.name structure'],
    ['a number in place of a text', { resourceType: 'Patient', gender: 7 }, 'error Patient.gender structure'],
    ['an invariant', { resourceType: 'Patient', contact: [{ gender: 'male' }] }, 'error Patient.contact[0] invariant'],
    ['an empty object', { resourceType: 'Patient', name: [{}] }, 'error Patient.name[0] structure'],
    ['an id that is none', { resourceType: 'Patient', id: 'a b' }, 'error Patient.id value'],
    ['a code that is none', { resourceType: 'Patient', gender: 'f' }, 'error Patient.gender code-invalid'],
    [
      'a coding that is none',
      {
        resourceType: 'Condition',
        subject: { reference: 'Patient/1' },
        clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'x' }] },
      },
      'error Condition.clinicalStatus code-invalid',
    ],
    [
      'a reference to another type',
      { resourceType: 'Observation', status: 'final', code: { text: 'x' }, subject: { reference: 'Medication/1' } },
      'warning Observation.subject structure',
    ],
  ] as const)('finds %s', ([, resource, expected]) => {
    expect(brief(resource)).toContain(expected);
  });

  it('looks into bundles and contained resources', () => {
    const wrong = {
      resourceType: 'Patient',
      id: 'a b',
      gender: 'f',
      contained: [{ resourceType: 'Organization', nick: 1 }],
    };
    const bundle = {
      resourceType: 'Bundle',
      type: 'collection',
      entry: [{ fullUrl: 'urn:uuid:3e8b1e58-6bf5-4b0c-9c3f-1f1b0d9a5f10', resource: wrong }],
    };
    expect(brief(bundle)).toEqual(
      expect.arrayContaining([
        'error Bundle.entry[0].resource.id value',
        'error Bundle.entry[0].resource.gender code-invalid',
        'error Bundle.entry[0].resource.contained[0].nick structure',
      ]),
    );
  });

  it('quotes nothing of what it reads', () => {
    const findings = validateResource({
      resourceType: 'Observation',
      'Berger, Eva': 1,
      status: 'Berger',
      code: { text: 7, Berger: 'x' },
      subject: { reference: 'Berger/Eva' },
      valueString: 'x',
      valueInteger: 'Berger',
    } as never);
    expect(findings.length).toBeGreaterThan(4);
    expect(JSON.stringify(findings.map(({ message }) => message))).not.toMatch(/Berger|Eva/);
    expect(findings.filter(({ path }) => / |,/.test(path))).toEqual([]);
  });

  it('never throws', () => {
    for (const odd of [
      { resourceType: 'Nothing' },
      { resourceType: 'Patient', name: [[]], contact: [null] },
      { resourceType: 'Bundle', entry: [null, 7] },
    ])
      expect(validateResource(odd as never).length).toBeGreaterThan(0);
  });
});

describe('the definitions', () => {
  it('have every type of R4, each by itself', () => {
    const definitions = Definitions.get();
    expect([...resourceTypes].filter((type) => !definitions.need(type))).toEqual([]);
    expect(definitions.need('Nothing')).toBe(false);
  });

  it('enumerate the value sets that are R4’s own', () => {
    const sets = new ValueSets();
    expect([...sets.codesOf('http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1')!.codes].toSorted()).toEqual([
      ...['female', 'male', 'other', 'unknown'],
    ]);
    expect(sets.codesOf('http://hl7.org/fhir/ValueSet/condition-clinical')?.codes).toContain('recurrence');
    expect(sets.codesOf('http://hl7.org/fhir/ValueSet/mimetypes')).toBeUndefined();
    expect(sets.codesOf('http://example.org/none')).toBeUndefined();
  });
});
