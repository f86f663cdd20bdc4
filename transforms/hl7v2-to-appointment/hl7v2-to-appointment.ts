import { z } from 'zod';
import { type Appointment, appointment } from '../../contracts/appointment.ts';
import { hl7v2 } from '../../contracts/hl7v2.ts';
import {
  codedAt,
  identifiersOf,
  isoTime,
  originOf,
  peopleOf,
  placeIn,
  said,
  textAt,
} from '../../contracts/hl7v2-clinical.ts';
import { defineTransform } from '../../core/define.ts';
import { type Many, many } from '../../core/transform.ts';
import type { Hl7Message } from '../../protocols/hl7v2/message.ts';

/** HL7 table 0003: what SIU messages tell of. */
const kinds: Readonly<Record<string, Appointment['kind']>> = {
  S12: 'scheduled',
  S13: 'rescheduled',
  S14: 'modified',
  S15: 'cancelled',
  S16: 'discontinued',
  S17: 'deleted',
  S18: 'modified',
  S19: 'modified',
  S20: 'modified',
  S21: 'modified',
  S22: 'modified',
  S26: 'missed',
};

/** Says in one typed event for each patient what a scheduling message (SIU) says of an appointment (HL7 2.5.1 §10.4). */
export const hl7v2ToAppointment = defineTransform({
  type: 'hl7v2-to-appointment',
  summary:
    'Says in one typed event for each patient what a scheduling message (SIU) says of an appointment (HL7 2.5.1 §10.4).',
  accepts: hl7v2,
  produces: appointment,
  config: z.strictObject({}),
  examples: [{ title: 'Appointments from SIU messages', config: {} }],
  create: () => appointmentsOf,
});

/** A group has an appointment of several patients; a blocked slot has none. */
function appointmentsOf(message: Hl7Message): Many<Appointment> {
  const trigger = message.get('MSH-9.2') ?? '';
  const told = {
    kind: kinds[trigger] ?? 'other',
    trigger,
    appointment: about(message),
    services: message.segments('AIS').flatMap((ais) => codedAt(ais, 3) ?? []),
    equipment: message.segments('AIG').flatMap((aig) => codedAt(aig, 3) ?? codedAt(aig, 4) ?? []),
    locations: message.segments('AIL').flatMap((ail) => placeIn(ail, 3) ?? []),
    people: message.segments('AIP').flatMap((aip) => peopleOf(aip, 3)),
    origin: originOf(message),
  };
  const patients = message.segments('PID').map((pid) => identifiersOf(pid, 3));
  return many((patients.length > 0 ? patients : [[]]).map((identifiers) => ({ ...told, patient: { identifiers } })));
}

/** SCH-11 until version 2.5, TQ1 since; what AIS says of its service where neither does. */
function about(message: Hl7Message): Appointment['appointment'] {
  const [[sch], [tq1], [ais]] = [message.segments('SCH'), message.segments('TQ1'), message.segments('AIS')];
  return said<Appointment['appointment']>({
    placer: textAt(sch, '1.1'),
    filler: textAt(sch, '2.1'),
    reason: codedAt(sch, 7),
    type: codedAt(sch, 8),
    start: isoTime(sch?.get('11.4')) ?? isoTime(tq1?.get('7')) ?? isoTime(ais?.get('4')),
    end: isoTime(sch?.get('11.5')) ?? isoTime(tq1?.get('8')),
    duration: textAt(sch, '9') ?? textAt(ais, '7'),
    unit: textAt(sch, '10.1') ?? textAt(ais, '8.1'),
    status: textAt(sch, '25.1'),
  });
}
