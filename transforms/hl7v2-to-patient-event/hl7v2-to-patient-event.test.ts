import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type PatientEvent, patientEvent } from '../../contracts/clinical-patient.ts';
import type { Message } from '../../core/message.ts';
import { type Hl7Message, parse } from '../../protocols/hl7v2/message.ts';
import { hl7v2ToPatientEvent } from './hl7v2-to-patient-event.ts';

const fixtures = new URL('../../test-fixtures/hl7v2/', import.meta.url);
const step = hl7v2ToPatientEvent({}).create();

function eventOf(fixture: string): PatientEvent {
  const payload = parse(readFileSync(new URL(fixture, fixtures)));
  const event = step(payload, {} as Message<Hl7Message>) as PatientEvent;
  expect(patientEvent.decode(patientEvent.encode(event), {})).toEqual(event);
  return event;
}

describe('a patient event', () => {
  it('says what an admission says', () => {
    expect(eventOf('adt-a01.hl7')).toEqual({
      kind: 'admitted',
      trigger: 'A01',
      occurredAt: '2026-03-02T08:15:00+01:00',
      patient: {
        identifiers: [
          { value: '4711001', authority: 'HOSP', type: 'MR' },
          { value: '755-01-9001', authority: 'SSA', type: 'SS' },
        ],
        ...{ family: 'Berger', given: 'Anna', birthDate: '1958-04-17', sex: 'F' },
      },
      visit: {
        number: { value: 'V70001', authority: 'HOSP', type: 'VN' },
        class: 'I',
        location: { ward: '3W', room: '312', bed: 'A', facility: 'HOSP' },
        admittedAt: '2026-03-02T08:00:00+01:00',
      },
      origin: { application: 'EHR', facility: 'HOSP', controlId: 'ADT00001' },
    });
  });

  it('names the survivor and what is retired of a merge', () => {
    const { kind, patient, retired } = eventOf('adt-a40.hl7');
    expect(kind).toBe('merged');
    expect(patient.identifiers[0]?.value).toBe('4711001');
    expect(retired).toEqual([{ value: '4711999', authority: 'HOSP', type: 'MR' }]);
  });

  it('has the location before a transfer', () => {
    const { kind, visit } = eventOf('adt-a02.hl7');
    expect(kind).toBe('transferred');
    expect(visit?.priorLocation?.ward).toBeDefined();
  });

  it.for([
    'adt-a03',
    'adt-a04',
    'adt-a08',
    'adt-a08-delete',
    'adt-a08-delimiters',
    'adt-a08-z',
    'adt-a11',
    'adt-a13',
    'adt-a31',
    'adt-a01-mixed',
    'oru-r01',
  ])('fits its contract for %s', (name) => {
    expect(eventOf(`${name}.hl7`).origin.controlId).toBeTruthy();
  });

  it('tells a field that deletes from one that says nothing', () => {
    const deleting = parse(Buffer.from('MSH|^~\\&|A|B|||20260302||ADT^A08|1|P|2.5\rPID|1||7^^^H^MR||""||""|""\r'));
    const event = step(deleting, {} as Message<Hl7Message>) as PatientEvent;
    expect(event.patient).toEqual({
      identifiers: [{ value: '7', authority: 'H', type: 'MR' }],
      ...{ family: null, given: null, birthDate: null, sex: null },
    });
    const silent = step(parse(Buffer.from('MSH|^~\\&|A|B|||20260302||ADT^A08|1|P|2.5\r')), {} as Message<Hl7Message>);
    expect(silent).toMatchObject({ kind: 'updated', patient: { identifiers: [] } });
    expect((silent as PatientEvent).patient).not.toHaveProperty('family');
  });
});
