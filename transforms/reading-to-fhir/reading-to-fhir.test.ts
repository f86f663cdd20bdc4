import type { Bundle, Observation } from '@medplum/fhirtypes';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { validateResource } from '../../clients/fhir/validate.ts';
import { fhirBundle } from '../../contracts/fhir.ts';
import { hasValue, type Reading, type VitalReadings, validities, vitalReadingsSchema } from '../../contracts/vitals.ts';
import type { Message } from '../../core/message.ts';
import { readingToFhir } from './reading-to-fhir.ts';

const AT = '2026-03-02T08:15:00.000Z';
const hr: Reading = {
  point: 'hr',
  value: 72,
  unit: '{beats}/min',
  code: { mdc: 147842, loinc: ['8867-4'] },
  validity: 'Vld',
};
const spo2: Reading = {
  point: 'spo2',
  value: 97,
  unit: '%',
  code: { mdc: 150456, loinc: ['59408-5', '2708-6'] },
  validity: 'Vld',
};
const systolic: Reading = {
  point: 'systolic',
  value: 120,
  unit: 'mm[Hg]',
  code: { mdc: 150021, loinc: ['8480-6'] },
  validity: 'Vld',
};
const diastolic: Reading = { ...systolic, point: 'diastolic', value: 80, code: { mdc: 150022, loinc: ['8462-4'] } };

function bundleOf(
  readings: readonly Reading[],
  more: Partial<VitalReadings> = {},
  config: Parameters<typeof readingToFhir>[0] = {},
): Bundle {
  const event = vitalReadingsSchema.parse({ device: 'mon-1', profile: 'monitor', receivedAt: AT, readings, ...more });
  const bundle = readingToFhir(config).create()(event, {} as Message<VitalReadings>) as Bundle;
  expect(validateResource(bundle).filter(({ severity }) => severity === 'error')).toEqual([]);
  expect(fhirBundle.decode(fhirBundle.encode(bundle), {})).toEqual(JSON.parse(JSON.stringify(bundle)));
  return bundle;
}

const observationsIn = ({ entry = [] }: Bundle) =>
  entry.flatMap(({ resource }) => (resource?.resourceType === 'Observation' ? [resource as Observation] : []));

describe('Observations of readings', () => {
  it('have the codes of the profile, the value in UCUM without annotations, and the moment', () => {
    const [first, second] = observationsIn(bundleOf([hr, spo2]));
    expect(first).toMatchObject({
      status: 'preliminary',
      category: [{ coding: [{ code: 'vital-signs' }] }],
      code: {
        coding: [
          { system: 'http://loinc.org', code: '8867-4' },
          { system: 'urn:iso:std:iso:11073:10101', code: '147842' },
          { system: 'urn:weir:device-profile:monitor', code: 'hr' },
        ],
      },
      effectiveDateTime: AT,
      valueQuantity: { value: 72, unit: 'beats/min', system: 'http://unitsofmeasure.org', code: '/min' },
    });
    expect(second!.code.coding!.slice(0, 2).map(({ code }) => code)).toEqual(['59408-5', '2708-6']);
  });

  it('are one of two components for a blood pressure', () => {
    const [panel, ...others] = observationsIn(bundleOf([diastolic, hr, systolic], {}, { status: 'final' }));
    expect(others.map(({ code }) => code.text)).toEqual(['hr']);
    expect(panel).toMatchObject({ status: 'final', code: { coding: [{ code: '85354-9' }] } });
    expect(panel!.component!.map(({ code, valueQuantity }) => [code.text, valueQuantity?.value])).toEqual([
      ['systolic', 120],
      ['diastolic', 80],
    ]);
    expect(panel).not.toHaveProperty('valueQuantity');
  });

  it('say of half a blood pressure that the other half is missing, and put no two measurements into one', () => {
    const [only] = observationsIn(bundleOf([diastolic]));
    expect(only!.component!.map(({ dataAbsentReason }) => dataAbsentReason?.coding?.[0]?.code)).toEqual([
      'unknown',
      undefined,
    ]);
    expect(observationsIn(bundleOf([systolic, diastolic, systolic, diastolic]))).toHaveLength(2);
    const sequenced = [systolic, diastolic].map((reading, sequence) => ({ ...reading, sequence }));
    expect(observationsIn(bundleOf(sequenced))).toHaveLength(2);
  });

  it('never have a value that the device did not vouch for', () => {
    const { value: _, ...none } = hr;
    const [invalid, over, doubtful] = observationsIn(
      bundleOf(
        [
          { ...none, validity: 'Inv' },
          { ...none, validity: 'Oflw' },
          { ...hr, validity: 'Qst' },
        ],
        {},
        { status: 'final' },
      ),
    );
    expect(invalid).toMatchObject({ status: 'preliminary', dataAbsentReason: { coding: [{ code: 'error' }] } });
    expect(over).toMatchObject({
      dataAbsentReason: { coding: [{ code: 'unknown' }] },
      interpretation: [{ coding: [{ code: '>' }] }],
    });
    expect(doubtful).toMatchObject({ status: 'preliminary', valueQuantity: { value: 72 } });
    for (const each of [invalid!, over!]) expect(each).not.toHaveProperty('valueQuantity');
  });

  it('count for the moment by the device’s clock, unless that is not to be believed', () => {
    const deviceTime = '2026-03-02T08:14:58.000Z';
    const reset = { ...hr, deviceTime: '1970-01-01T00:00:07.000Z', skewMs: -1_772_439_293_000 };
    const [right, wrong] = observationsIn(bundleOf([{ ...hr, deviceTime, skewMs: -2_000 }, reset]));
    expect([right!.effectiveDateTime, wrong!.effectiveDateTime]).toEqual([deviceTime, AT]);
  });

  it('are about the patient where one is said, else the place, else the device', () => {
    const identifiers = [{ value: '4711', authority: 'HOSP', type: 'MR' }];
    const subjectOf = (more: Partial<VitalReadings>, systems = {}) => {
      const bundle = bundleOf([hr], more, { systems });
      const { reference } = observationsIn(bundle)[0]!.subject!;
      return bundle.entry!.find(({ fullUrl }) => fullUrl === reference)!;
    };
    const patient = subjectOf({ patient: { identifiers }, subject: 'bed/1' }, { HOSP: 'urn:oid:1.2.3' });
    expect(patient).toMatchObject({
      resource: { resourceType: 'Patient', identifier: [{ system: 'urn:oid:1.2.3', value: '4711' }] },
      request: { method: 'POST', url: 'Patient', ifNoneExist: 'identifier=urn%3Aoid%3A1.2.3|4711' },
    });
    expect(subjectOf({ subject: 'bed/1', location: 'ICU, bed 1' }).resource).toMatchObject({
      resourceType: 'Location',
      name: 'ICU, bed 1',
    });
    expect(subjectOf({}).resource).toMatchObject({ resourceType: 'Device' });
  });

  it('follow the profile of vital signs only with a patient', () => {
    const profilesWith = (more: Partial<VitalReadings>) => observationsIn(bundleOf([hr], more))[0]!.meta?.profile;
    expect(profilesWith({ patient: { identifiers: [{ value: '1' }] } })).toEqual([
      'http://hl7.org/fhir/StructureDefinition/vitalsigns',
    ]);
    expect(profilesWith({})).toBeUndefined();
  });

  it('have the same ids at a replay, and ids of their own in one event', () => {
    const ids = (bundle: Bundle) => bundle.entry!.map(({ fullUrl }) => fullUrl);
    expect(ids(bundleOf([hr, hr, spo2]))).toEqual(ids(bundleOf([hr, hr, spo2])));
    expect(new Set(ids(bundleOf([hr, hr, spo2]))).size).toBe(4);
    expect(ids(bundleOf([hr], { receivedAt: '2026-03-02T08:15:01.000Z' }))[1]).not.toBe(ids(bundleOf([hr]))[1]);
  });

  it('are asked for by nothing in a collection', () => {
    const bundle = bundleOf([hr], {}, { bundle: 'collection' });
    expect(bundle.type).toBe('collection');
    expect(bundle.entry!.every((entry) => entry.request === undefined)).toBe(true);
  });

  const anyReading = fc
    .record({
      point: fc.stringMatching(/^\S{1,8}( \S{1,8})?$/),
      value: fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean(), fc.string()),
      unit: fc.constantFrom('mm[Hg]', '{beats}/min', '{count}', 'Cel'),
      loinc: fc.constantFrom('8480-6', '8462-4', '8867-4', '1-8', undefined),
      validity: fc.constantFrom(...validities),
      sequence: fc.nat(3),
    })
    .map(({ value, loinc, ...rest }): Reading => {
      const code = loinc === undefined ? {} : { code: { mdc: 7, loinc: [loinc] } };
      return hasValue(rest.validity) ? { ...rest, ...code, value } : { ...rest, ...code };
    });

  it('are valid R4 whatever was read', () => {
    fc.assert(
      fc.property(
        fc.array(anyReading, { minLength: 1, maxLength: 6 }),
        fc.option(fc.string(), { nil: undefined }),
        (readings, subject) => void bundleOf(readings, subject === undefined ? {} : { subject }),
      ),
      { numRuns: 40 },
    );
  }, 60_000);
});
