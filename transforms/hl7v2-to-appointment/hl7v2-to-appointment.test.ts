import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { stepOutputs } from '../../core/testing/step-outputs.ts';
import { parse } from '../../protocols/hl7v2/message.ts';
import { hl7v2ToAppointment } from './hl7v2-to-appointment.ts';

const of = (raw: Uint8Array) => stepOutputs(hl7v2ToAppointment({}), parse(raw));
const fixture = (path: string) => readFileSync(new URL(`../../test-fixtures/${path}.hl7`, import.meta.url));

describe('an appointment', () => {
  it('says when, where, with whom and for whom', () => {
    expect(of(fixture('hl7v2/siu-s12'))).toEqual([
      {
        kind: 'scheduled',
        trigger: 'S12',
        appointment: {
          placer: 'APT3001',
          reason: { code: 'CHECKUP', text: 'Check-up', system: 'L' },
          start: '2026-03-10T09:30:00+01:00',
          end: '2026-03-10T10:00:00+01:00',
          ...{ duration: '30', unit: 'min', status: 'BOOKED' },
        },
        patient: { identifiers: [{ value: '4711004', authority: 'HOSP', type: 'MR' }] },
        services: [],
        equipment: [],
        locations: [{ ward: 'AMB', room: '1', facility: 'HOSP' }],
        people: [{ identifier: { value: '1003' }, family: 'Lang', given: 'Eva' }],
        origin: { application: 'SCHED', facility: 'HOSP', controlId: 'SIU00001' },
      },
    ]);
  });

  it.for([
    ['s13', 'rescheduled'],
    ['s14', 'modified'],
    ['s15', 'cancelled'],
    ['s26', 'missed'],
  ] as const)('of %s is %s', ([trigger, kind]) => {
    const [event] = of(fixture(`hl7v2-to-fhir/siu-${trigger}`));
    expect(event).toMatchObject({ kind, appointment: { placer: 'APT4001', filler: 'APF4001' } });
    expect(event?.services[0]?.code).toBe('CHK');
    expect(event?.equipment[0]?.code).toBe('EKG7');
    expect(event?.people[0]?.identifier).toEqual({ value: '1113', authority: 'HOSP' });
  });

  it('is one event for each patient of a group, and one of nobody for a blocked slot', () => {
    const header = 'MSH|^~\\&|S|H|||20260302||SIU^S23|1|P|2.5\rSCH|A1\r';
    const group = of(Buffer.from(`${header}PID|1||1^^^H^MR\rPID|2||2^^^H^MR\r`));
    expect(group.map(({ patient }) => patient.identifiers[0]?.value)).toEqual(['1', '2']);
    expect(of(Buffer.from(header))).toMatchObject([{ kind: 'other', patient: { identifiers: [] } }]);
  });
});
