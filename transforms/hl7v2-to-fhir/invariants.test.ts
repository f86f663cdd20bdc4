import type { Observation } from '@medplum/fhirtypes';
import { describe, expect, it } from 'vitest';
import { MSH, made, order, PID } from './testing/made.ts';

const of = (type: string, ...segments: readonly string[]) => made([MSH.replace('ADT^A01^ADT_A01', type), ...segments]);

const UCUM = 'http://unitsofmeasure.org';
const V2 = 'urn:weir:hl7v2:';

describe('what R4 asks of an allergy', () => {
  const allergy = (status: string) => {
    const { all, codes } = of('ADT^A60^ADT_A60', PID, `IAM|1||7980^Penicillin^RXNORM||||||||||||||${status}`);
    const { clinicalStatus, verificationStatus, extension } = all('AllergyIntolerance')[0] ?? {};
    const said = [clinicalStatus, verificationStatus].map((each) => each?.coding?.map(({ code }) => code));
    return { said, extension, codes };
  };

  it.each([
    ['C^Confirmed^HL70438', ['active'], ['confirmed']],
    ['I^Confirmed, inactive^HL70438', ['inactive'], ['confirmed']],
    ['S^Suspect^HL70438', ['active'], ['unconfirmed']],
    ['E^Erroneous^HL70438', undefined, ['entered-in-error']],
  ])('is a status of its value set alone: %s; what was sent is kept beside it', (status, clinical, verification) => {
    const { said, extension } = allergy(status);
    expect(said).toEqual([clinical, verification]);
    expect(extension).toMatchObject([
      { url: `${V2}IAM-17`, valueCodeableConcept: { coding: [{ code: status.slice(0, 1) }] } },
    ]);
  });

  it('is a status also where nobody knows the one that was sent, which is told', () => {
    const { said, extension, codes } = allergy('ZZ^Other^L');
    expect(said).toEqual([['active'], undefined]);
    expect(extension).toMatchObject([{ url: `${V2}IAM-17` }]);
    expect(codes).toContain('unknown-code');
  });
});

describe('what R4 asks of systems', () => {
  const quantity = (unit: string) => made(order(`OBX|1|NM|1^X^LN||5|${unit}||||||F`)).all('Observation')[0];

  it.each(['mmol/L', 'mm[Hg]', '10*9/L', '/min', '{beats}/min', '[degF]'])('is %s for units of UCUM', (unit) => {
    expect(quantity(`${unit}^^UCUM`)?.valueQuantity).toEqual({ value: 5, unit, system: UCUM, code: unit });
  });

  it.each(['mmol pro Liter', '3 475', 'Stueck'])('is not that of UCUM for %s, which is none of its units', (unit) => {
    const made = quantity(`${unit}^^UCUM`);
    expect(made?.valueQuantity).toEqual({ value: 5, unit, system: `${V2}coding-system:UCUM`, code: unit });
  });

  const codeOf = (code: string) =>
    (made(order(`OBX|1|ST|${code}||a||||||F`)).all('Observation')[0] as Observation).code.coding?.[0];

  it('is an OID where it is as long as one, else a name', () => {
    expect(codeOf('1^X^2.16.840.1.113883.6.1')?.system).toBe('urn:oid:2.16.840.1.113883.6.1');
    for (const short of ['2.68', '1.2.3', '1.2.840'])
      expect(codeOf(`1^X^${short}`)?.system).toBe(`${V2}coding-system:${short}`);
  });

  it('is of a list of R4 for its codes only, not for a name without a code', () => {
    expect(codeOf('OK^Order accepted^HL70119')?.system).toBe('http://terminology.hl7.org/CodeSystem/v2-0119');
    expect(codeOf('^Whatever^HL70119')).toEqual({ system: `${V2}coding-system:HL70119`, display: 'Whatever' });
  });
});

describe('what R4 asks of elements', () => {
  it('is no extension of other resources on a charge: its place is kept under its v2 path', () => {
    const { all, follow } = of(
      'DFT^P03^DFT_P03',
      'EVN||20260302',
      PID,
      'FT1|1|T1||20260302||CG|99213^Visit^C4|||||||||3W^312^A',
    );
    const extension = all('ChargeItem')[0]?.extension;
    expect(extension?.map(({ url }) => url)).toEqual([`${V2}FT1-6`, `${V2}FT1-16`]);
    expect(follow(extension?.[1]?.valueReference)?.resourceType).toBe('Location');
  });

  it('is a system for each address of a telephone or of mail', () => {
    const { all } = of('MFN^M02^MFN_M02', 'MFI|PRA', 'MFE|MAD|1', 'STF|1101|1101|||||||||||||r.kellner@example.org');
    expect(all('Practitioner').flatMap(({ telecom }) => telecom ?? [])).toEqual([
      { system: 'email', value: 'r.kellner@example.org' },
    ]);
  });

  const dose = (segment: string) =>
    of('RDE^O11^RDE_O11', PID, 'ORC|NW|P1', segment).all('MedicationRequest')[0]?.dosageInstruction?.[0]
      ?.doseAndRate?.[0]?.doseRange;

  it.each([
    ['RXE||1^Drug^NDC|5|10|mg', { low: { value: 5, unit: 'mg' }, high: { value: 10, unit: 'mg' } }],
    ['RXE||1^Drug^NDC|5||mg', { low: { value: 5, unit: 'mg' } }],
    ['RXE||1^Drug^NDC||10|mg', { high: { value: 10, unit: 'mg' } }],
    ['RXE||1^Drug^NDC|much|10|mg', { high: { value: 10, unit: 'mg' } }],
    ['RXO|1^Drug^NDC|5|10|mg', { low: { value: 5, unit: 'mg' }, high: { value: 10, unit: 'mg' } }],
    ['RXO|1^Drug^NDC||10|mg', { high: { value: 10, unit: 'mg' } }],
    [
      'RXE||1^Drug^NDC|10|5|mg',
      {
        low: { value: 10, unit: 'mg' },
        extension: [{ url: `${V2}high`, valueQuantity: { value: 5, unit: 'mg' } }],
      },
    ],
  ])('is a range from low to high, of one unit: %s', (segment, expected) => {
    expect(dose(segment)).toEqual(expected);
  });

  const prt = (fields: string) => {
    const { all, follow } = of('ADT^A04^ADT_A01', PID, `PRT||AD||AD|${fields}|General Hospital`);
    const participant = all('CareTeam')[0]?.participant?.[0];
    const member = follow(participant?.member) as { resourceType: string; organization?: { reference?: string } };
    return [
      member.resourceType,
      follow(participant?.onBehalfOf)?.resourceType,
      follow(member.organization)?.resourceType,
    ];
  };

  it('is a practitioner where someone acts for an organization; a role is of one', () => {
    expect(prt('10535^Beet^Lud||')).toEqual(['Practitioner', 'Organization', undefined]);
    expect(prt('10535^Beet^Lud|1^Hospital|')).toEqual(['PractitionerRole', undefined, 'Organization']);
    expect(prt('|1^Hospital|')).toEqual(['PractitionerRole', undefined, 'Organization']);
    expect(prt('||')).toEqual(['Organization', undefined, undefined]);
  });

  it('is a code of how it went where a header answers: another one is kept, with what it answers, and told', () => {
    const { all, codes } = of('ACK', 'MSA|XX|C0');
    const [header] = all('MessageHeader');
    expect(header?.response).toBeUndefined();
    expect(header?.extension?.slice(-2)).toMatchObject([
      { url: `${V2}MSA-1`, valueCodeableConcept: { coding: [{ code: 'XX' }] } },
      { url: `${V2}MSA-2`, valueString: 'C0' },
    ]);
    expect(codes).toContain('unknown-code');
  });

  it('is that errors without such a code are referred to all the same', () => {
    const { all, follow } = of('ACK', 'MSA|XX|C0', 'ERR|||207^Application internal error^HL70357|E');
    const extension = all('MessageHeader')[0]?.extension?.find(({ url }) => url === `${V2}ERR`);
    expect(follow(extension?.valueReference)?.resourceType).toBe('OperationOutcome');
  });
});

describe('segments of nothing but separators', () => {
  it('are no resources, and nothing refers to any', () => {
    const { all, bundle } = of('ORU^R01^ORU_R01', PID, 'ORC', 'OBR|||', 'OBX||||', 'NTE|', 'SPM', 'DG1|||^^&');
    for (const type of ['Specimen', 'Condition', 'Observation', 'ServiceRequest', 'DiagnosticReport'] as const)
      expect(all(type)).toEqual([]);
    expect(all('Patient')).toHaveLength(1);
    const known = new Set(bundle.entry?.map(({ fullUrl }) => fullUrl));
    const references = [...JSON.stringify(bundle).matchAll(/"reference":"([^"]+)"/g)].map(([, reference]) => reference);
    expect(references.filter((reference) => !known.has(reference))).toEqual([]);
  });
});

describe('what a message lacks', () => {
  const issuesOf = (type: string, ...segments: readonly string[]) =>
    of(type, ...segments).issues.flatMap(({ code, path }) => (code === 'completed' ? [] : `${code} ${path}`.trim()));

  it('is told: a structure for its event', () => {
    expect(issuesOf('ADT^Z99^ADT_Z99', 'EVN||20260302081500', PID, 'PV1|1|I')).toEqual(['unknown-structure']);
    expect(issuesOf('ADT^A01^ADT_A01', 'EVN||20260302081500', PID, 'PV1|1|I')).toEqual([]);
  });

  it('is told: segments that its structure requires, and the patient of results', () => {
    const obx = 'OBX|1|NM|2345-7^Glucose^LN||5.1|mmol/L^^UCUM|||||F';
    expect(issuesOf('ORU^R01^ORU_R01', obx)).toEqual(
      expect.arrayContaining(['absent-segment OBR', 'absent-segment PID']),
    );
    expect(issuesOf('ORU^R01^ORU_R01', PID, 'OBR|1|||24323-8^Panel^LN|||||||||||||||||||||F', obx)).toEqual([]);
    expect(issuesOf('ADT^A01^ADT_A01', PID, 'PV1|1|I')).toEqual(['absent-segment EVN']);
  });

  it('is told: the type of a value, and what was observed', () => {
    const told = (obx: string) =>
      made(order(obx)).issues.flatMap(({ code, path }) => (path.startsWith('OBX') ? `${code} ${path}` : []));
    expect(told('OBX|1||1^X^LN||5.1||||||F')).toEqual(['unknown-type OBX[1]-2[1]']);
    expect(told('OBX|1|ZZ|1^X^LN||5.1||||||F')).toEqual(['unknown-type OBX[1]-2[1]']);
    expect(told('OBX|1|NM|||5.1||||||F')).toEqual(['completed OBX[1]-3[1]']);
    expect(told('OBX|1||1^X^LN||||||||F')).toEqual([]);
    for (const type of ['NM', 'CE', 'CWE', 'TS', 'FT']) expect(told(`OBX|1|${type}|1^X^LN||2026||||||F`)).toEqual([]);
  });
});
