import { z } from 'zod';
import { type PatientEvent, patientEvent } from '../../contracts/clinical-patient.ts';
import { hl7v2 } from '../../contracts/hl7v2.ts';
import { identifiersOf, isoTime, originOf, placeIn, said, textAt } from '../../contracts/hl7v2-clinical.ts';
import { defineTransform } from '../../core/define.ts';
import type { Hl7Message } from '../../protocols/hl7v2/message.ts';
import type { Segment } from '../../protocols/hl7v2/segment.ts';

type Visit = NonNullable<PatientEvent['visit']>;

/** HL7 table 0003. The older merges (A18, A30, A34, A36, A39) are sent by systems before version 2.3.1. */
const kinds: Readonly<Record<string, PatientEvent['kind']>> = {
  A01: 'admitted',
  A02: 'transferred',
  A03: 'discharged',
  A04: 'registered',
  A05: 'pre-admitted',
  A06: 'class-changed',
  A07: 'class-changed',
  A08: 'updated',
  A11: 'admission-cancelled',
  A12: 'transfer-cancelled',
  A13: 'discharge-cancelled',
  A18: 'merged',
  A28: 'created',
  A30: 'merged',
  A31: 'updated',
  A34: 'merged',
  A36: 'merged',
  A39: 'merged',
  A40: 'merged',
};

/** Says in one typed event what an ADT message says of its patient (HL7 2.5.1 §3.3). */
export const hl7v2ToPatientEvent = defineTransform({
  type: 'hl7v2-to-patient-event',
  summary: 'Says in one typed event what an ADT message says of its patient (HL7 2.5.1 §3.3).',
  accepts: hl7v2,
  produces: patientEvent,
  config: z.strictObject({}),
  examples: [{ title: 'Patient events from ADT messages', config: {} }],
  create: () => patientEventOf,
});

function patientEventOf(message: Hl7Message): PatientEvent {
  const [pid] = message.segments('PID');
  const trigger = message.get('MSH-9.2') ?? message.get('EVN-1') ?? '';
  const kind = kinds[trigger] ?? 'other';
  return said<PatientEvent>({
    kind,
    trigger,
    occurredAt: isoTime(message.get('EVN-6')) ?? isoTime(message.get('EVN-2')),
    patient: said<PatientEvent['patient']>({
      identifiers: identifiersOf(pid, 3),
      family: deletedOr(pid, '5.1.1'),
      given: deletedOr(pid, '5.2'),
      birthDate: birthDate(pid),
      sex: deletedOr(pid, '8'),
    }),
    visit: visitOf(message),
    retired: kind === 'merged' ? message.segments('MRG').flatMap((mrg) => identifiersOf(mrg, 1)) : undefined,
    origin: originOf(message),
  });
}

/** Null where the whole field or the component is `""`. */
function deletedOr(segment: Segment | undefined, place: string): string | null | undefined {
  return segment?.get(place.split('.')[0]!) === null ? null : segment?.get(place);
}

function birthDate(pid: Segment | undefined): string | null | undefined {
  const value = pid?.get('7');
  return value === null ? null : isoTime(value);
}

function visitOf(message: Hl7Message): Visit | undefined {
  const [pv1] = message.segments('PV1');
  if (!pv1) return undefined;
  return said<Visit>({
    number: identifiersOf(pv1, 19)[0],
    class: textAt(pv1, '2'),
    location: placeIn(pv1, 3),
    priorLocation: placeIn(pv1, 6),
    admittedAt: isoTime(pv1.get('44')),
    dischargedAt: isoTime(pv1.get('45')),
  });
}
