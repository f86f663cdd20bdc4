import { describe, expect, it } from 'vitest';
import { MSH, made, PID } from './testing/made.ts';

describe('other messages', () => {
  const of = (type: string, ...segments: readonly string[]) =>
    made([MSH.replace('ADT^A01^ADT_A01', type), ...segments]);

  it('merge: the record that is retired is replaced by the one that survives', () => {
    const { all, follow } = of('ADT^A40^ADT_A39', PID, 'MRG|4700^^^HOSP^MR');
    const [survivor, retired] = all('Patient');
    expect(survivor?.link).toEqual([{ other: expect.anything(), type: 'replaces' }]);
    expect(follow(survivor?.link?.[0]?.other)).toBe(retired);
    expect(retired).toMatchObject({ active: false, identifier: [{ value: '4700' }], link: [{ type: 'replaced-by' }] });
  });

  it('schedule: an appointment of someone, somewhere, for so long', () => {
    const { all, follow } = of(
      'SIU^S12^SIU_S12',
      'SCH|A1|||||ROUTINE|CHECK^Check^L|FOLLOW^^HL70277|30|MIN|^^^20260303090000',
      PID,
      'RGS|1',
      'AIS|1||S1^Service^L',
      'AIL|1||3W^312',
      'AIP|1||1001^Keller',
    );
    const [appointment] = all('Appointment');
    expect(appointment).toMatchObject({
      status: 'booked',
      start: '2026-03-03T09:00:00+01:00',
      end: '2026-03-03T09:30:00+01:00',
      minutesDuration: 30,
    });
    const actors = appointment?.participant.map(({ actor }) => follow(actor)?.resourceType);
    expect(actors?.toSorted()).toEqual(['Location', 'Patient', 'Practitioner']);
  });

  it('vaccinate: an immunization, and what is observed of it', () => {
    const { all, follow } = of(
      'VXU^V04^VXU_V04',
      PID,
      'ORC|RE||I1^X',
      'RXA|0|1|20260302||08^HepB^CVX|0.5|mL^^UCUM||||||||LOT1|20270101|MSD^Merck^MVX|||CP|A',
      'RXR|IM^^HL70162|LD^^HL70163',
      'OBX|1|CE|64994-7^Eligibility^LN||V02^^L||||||F',
    );
    const [immunization] = all('Immunization');
    expect(immunization).toMatchObject({
      status: 'completed',
      vaccineCode: { coding: [{ system: 'http://hl7.org/fhir/sid/cvx', code: '08' }] },
      occurrenceDateTime: '2026-03-02',
      doseQuantity: { value: 0.5, unit: 'mL' },
      lotNumber: 'LOT1',
    });
    expect(follow(all('Observation')[0]?.partOf?.[0])).toBe(immunization);
  });

  it('document: one reference with its text', () => {
    const { all } = of(
      'MDM^T02^MDM_T02',
      'EVN||20260302',
      PID,
      'TXA|1|CN^Note|TX|||20260302081500||||||D1^X|||||AU',
      'OBX|1|TX|1^Text||one',
      'OBX|2|TX|1^Text||two',
    );
    const [document] = all('DocumentReference');
    expect(document).toMatchObject({ status: 'current', docStatus: 'final', masterIdentifier: { value: 'D1' } });
    expect(Buffer.from(document?.content[0]?.attachment.data ?? '', 'base64').toString()).toBe('one\ntwo');
  });

  it('order: a request for medication, or for a service', () => {
    const medication = of('RDE^O11^RDE_O11', PID, 'ORC|NW|P1', 'RXE||00310^Drug^NDC|1||TAB');
    expect(medication.all('MedicationRequest')[0]).toMatchObject({ intent: 'order', identifier: [{ value: 'P1' }] });
    const service = of(
      'OML^O21^OML_O21',
      PID,
      'ORC|NW|P1',
      'OBR|1|P1||24323-8^Panel^LN',
      'DG1|1||I21.9^Infarction^I10',
    );
    const [request] = service.all('ServiceRequest');
    expect(request).toMatchObject({ status: 'active', intent: 'order' });
    expect(service.follow(request?.reasonReference?.[0])?.resourceType).toBe('Condition');
  });

  it('charge: an item of an account', () => {
    const { all, follow } = of(
      'DFT^P03^DFT_P03',
      'EVN||20260302',
      `${PID}||||||||||ACC1^^^HOSP`,
      'FT1|1|T1||20260302||CG|99213^Visit^C4|||2',
    );
    const [charge] = all('ChargeItem');
    expect(charge).toMatchObject({ status: 'billable', quantity: { value: 2 }, occurrenceDateTime: '2026-03-02' });
    expect(follow(charge?.account?.[0])).toMatchObject({ resourceType: 'Account', identifier: [{ value: 'ACC1' }] });
  });

  it('acknowledge: the response of a header', () => {
    const { all } = of('ACK', 'MSA|AE|C0');
    expect(all('MessageHeader')[0]?.response).toMatchObject({ identifier: 'C0', code: 'transient-error' });
  });
});
