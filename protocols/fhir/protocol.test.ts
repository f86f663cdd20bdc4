import { describe, expect, it } from 'vitest';
import { interactionOf } from './interaction.ts';
import { answeredAs, isTaken } from './media-type.ts';
import { describeIssues, issuesIn, operationOutcome } from './outcome.ts';
import { patientNames } from './patient-names.ts';
import { requestsOf } from './requests.ts';
import { resourceTypes } from './resource-types.ts';

describe('the interaction of a request', () => {
  it.for([
    ['POST', '', '', { kind: 'bundle' }],
    ['POST', '/', '', { kind: 'bundle' }],
    ['POST', '/Patient', '_format=json', { kind: 'create', type: 'Patient' }],
    ['PUT', '/Patient/a-1.b', '', { kind: 'update', type: 'Patient', id: 'a-1.b' }],
    [
      'PUT',
      '/Patient',
      'identifier=a%7C1&_format=json',
      { kind: 'conditional-update', type: 'Patient', search: 'identifier=a%7C1' },
    ],
    ['GET', '/metadata', '', { kind: 'capabilities' }],
    ['HEAD', '/metadata', '', { kind: 'capabilities' }],
  ] as const)('%s %s?%s', ([method, path, query, expected]) => {
    expect(interactionOf(method, path, query)).toEqual(expected);
  });

  it.for([
    ['GET', '', 405],
    ['GET', '/Patient', 405],
    ['GET', '/Patient/1', 405],
    ['DELETE', '/Patient/1', 405],
    ['PATCH', '/Patient/1', 405],
    ['POST', '/Patient/1', 405],
    ['POST', '/metadata', 405],
    ['PUT', '/Patient', 400],
    ['PUT', '/Patient/a_b', 400],
    ['PUT', `/Patient/${'a'.repeat(65)}`, 400],
    ['POST', '/Pazient', 404],
    ['POST', '/patient', 404],
    ['POST', '/Patient/1/_history/2', 404],
    ['POST', '/Patient/_search', 404],
    ['POST', '/$process-message', 404],
    ['POST', '/Patient/$validate', 404],
    ['POST', '/__proto__', 404],
  ] as const)('%s %s is none: %i', ([method, path, status]) => {
    expect(interactionOf(method, path, '')).toMatchObject({ kind: 'none', status });
  });
});

describe('media types', () => {
  it.for([
    ['application/fhir+json', true],
    ['application/fhir+json; charset=UTF-8; fhirVersion=4.0', true],
    ['application/json', true],
    ['Application/JSON;charset="utf-8"', true],
    ['application/fhir+json; charset=iso-8859-1', false],
    ['application/fhir+json; fhirVersion=5.0', false],
    ['application/fhir+xml', false],
    ['text/plain', false],
    ['', false],
  ] as const)('of a body: %s', ([type, taken]) => expect(isTaken(type)).toBe(taken));

  it.for([
    [undefined, null, 'application/fhir+json'],
    ['*/*', null, 'application/fhir+json'],
    ['application/json', null, 'application/json'],
    ['application/fhir+xml;q=1.0, application/fhir+json;q=0.5', null, 'application/fhir+json'],
    ['application/fhir+xml', null, undefined],
    ['application/fhir+json;q=0', null, undefined],
    ['application/fhir+json; fhirVersion=3.0', null, undefined],
    ['application/fhir+xml', 'json', 'application/fhir+json'],
    ['application/fhir+json', 'xml', undefined],
    ['*/*', 'application/fhir json', 'application/fhir+json'],
  ] as const)('of an answer: %s, _format %s', ([accept, format, type]) => {
    expect(answeredAs(accept, format)).toBe(type);
  });
});

describe('the requests of a bundle', () => {
  const entry = (method: string, url: string, resource: object | undefined) => ({
    request: { method, url },
    ...(resource && { resource }),
  });
  const of = (type: string, ...entries: readonly object[]) =>
    requestsOf({ resourceType: 'Bundle', type, entry: entries } as never);
  const patient = { resourceType: 'Patient', id: '1' };

  it('are those of its entries', () => {
    expect(
      of(
        'batch',
        entry('POST', 'Patient', patient),
        entry('PUT', 'Patient/1', patient),
        entry('DELETE', 'Patient/2', undefined),
      ),
    ).toEqual([
      { kind: 'create', url: 'Patient' },
      { kind: 'update', url: 'Patient/1', location: 'Patient/1' },
      { kind: 'delete', url: 'Patient/2' },
    ]);
    expect(of('transaction')).toEqual([]);
  });

  it.for([
    ['collection', [], 'Bundle.type'],
    ['batch', [{}], 'Bundle.entry[0].request'],
    ['batch', [entry('GET', 'Patient/1', undefined)], 'Bundle.entry[0].request.method'],
    ['batch', [entry('POST', 'Patient', undefined)], 'Bundle.entry[0].resource'],
    ['batch', [entry('POST', 'Observation', patient)], 'Bundle.entry[0].resource'],
    ['batch', [entry('PUT', 'Patient/2', patient)], 'Bundle.entry[0].resource.id'],
    ['batch', [entry('PUT', 'Patient', patient)], 'Bundle.entry[0].request.url'],
    ['batch', [entry('POST', 'Nothing', patient)], 'Bundle.entry[0].request.url'],
    [
      'transaction',
      [entry('PUT', 'Patient/1', patient), entry('PUT', 'Patient/1', patient)],
      'Bundle.entry[1].request.url',
    ],
  ] as const)('are none: %s %j', ([type, entries, expression]) => {
    expect(of(type, ...entries)).toMatchObject({ expression });
  });
});

describe('an OperationOutcome', () => {
  it('is read as it was written', () => {
    const issues = [{ severity: 'error', code: 'value', diagnostics: 'd', expression: ['Patient.id'] }] as const;
    expect(issuesIn(operationOutcome(issues))).toEqual(issues);
  });

  it('of any shape is read as far as it goes', () => {
    expect(issuesIn(undefined)).toEqual([]);
    expect(issuesIn({ resourceType: 'OperationOutcome', issue: 'x' })).toEqual([]);
    expect(
      issuesIn({ resourceType: 'OperationOutcome', issue: [1, { code: 'odd', severity: 7, expression: 'x' }] }),
    ).toEqual([{ severity: 'error', code: 'processing' }]);
  });

  it('is told without its texts', () => {
    const odd = { severity: 'error', code: 'value', expression: ["name.where(family='Berger')"] } as const;
    const issues = [odd, ...Array(6).fill({ severity: 'fatal', code: 'required', expression: ['a.b[0].c'] })];
    expect(describeIssues(issues)).toBe(
      'value; required (a.b[0].c); required (a.b[0].c); required (a.b[0].c); required (a.b[0].c); and 2 more',
    );
  });
});

describe('the names of the patients', () => {
  it('are those of the resource', () => {
    expect(
      patientNames({
        resourceType: 'Patient',
        id: '7',
        identifier: [{ system: 'urn:a', value: '1' }, { value: '2' }, {}],
      }),
    ).toEqual(['Patient/7', 'urn:a|1', '|2']);
    expect(
      patientNames({
        resourceType: 'Observation',
        subject: { reference: 'https://a.example/fhir/Patient/7/_history/2' },
      }),
    ).toEqual(['Patient/7']);
    expect(
      patientNames({ resourceType: 'Coverage', beneficiary: { identifier: { system: 'urn:a', value: '1' } } }),
    ).toEqual(['urn:a|1']);
    expect(
      patientNames({
        resourceType: 'Appointment',
        participant: [{ actor: { reference: 'Practitioner/1' } }, { actor: { reference: 'Patient/7' } }],
      }),
    ).toEqual(['Patient/7']);
    expect(patientNames({ resourceType: 'Organization', id: '1' })).toEqual([]);
  });

  it('of a merge are both', () => {
    expect(
      patientNames({
        resourceType: 'Patient',
        id: '7',
        link: [{ type: 'replaced-by', other: { reference: 'Patient/8' } }],
      }),
    ).toEqual(['Patient/7', 'Patient/8']);
  });

  it('of a bundle are those of its entries, references within it followed', () => {
    expect(
      patientNames({
        resourceType: 'Bundle',
        entry: [
          {
            fullUrl: 'urn:uuid:1',
            resource: { resourceType: 'Patient', identifier: [{ system: 'urn:a', value: '1' }] },
            request: { method: 'POST', url: 'Patient', ifNoneExist: 'identifier=urn:a|1' },
          },
          { resource: { resourceType: 'Observation', subject: { reference: 'urn:uuid:1' } } },
          { resource: { resourceType: 'Encounter', subject: { reference: 'Patient?identifier=urn:a%7C2' } } },
          { request: { method: 'DELETE', url: 'Patient/9' } },
        ],
      }),
    ).toEqual(['urn:a|1', 'urn:a|2', 'Patient/9']);
  });
});

it('R4 has 146 types of resources that stand for themselves', () => expect(resourceTypes.size).toBe(146));
