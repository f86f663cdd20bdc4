import { z } from 'zod';
import { codedValue, identifier, instant, origin, person, place } from './clinical-person.ts';
import { jsonFormat } from './json-format.ts';

/** Something happened to an appointment of a patient. */
export const appointmentSchema = z.strictObject({
  kind: z.enum([
    'scheduled',
    'rescheduled',
    'modified',
    'cancelled',
    'discontinued',
    'deleted',
    /** The patient did not come. */
    'missed',
    'other',
  ]),
  /** The trigger event of HL7 table 0003: `S12`. */
  trigger: z.string(),
  appointment: z.strictObject({
    /** The number of who asked for it, and that of who schedules it. */
    placer: z.string().optional(),
    filler: z.string().optional(),
    reason: codedValue.optional(),
    type: codedValue.optional(),
    start: instant.optional(),
    end: instant.optional(),
    /** How long, as text, with its unit as the sender names it. */
    duration: z.string().optional(),
    unit: z.string().optional(),
    /** HL7 table 0278: Booked, Cancelled, Complete, Noshow … */
    status: z.string().optional(),
  }),
  /** Nobody where time is only blocked. */
  patient: z.strictObject({ identifiers: z.array(identifier) }),
  services: z.array(codedValue),
  equipment: z.array(codedValue),
  locations: z.array(place),
  people: z.array(person),
  origin,
});

export type Appointment = z.output<typeof appointmentSchema>;

export const appointment = jsonFormat('clinical.appointment.v1', appointmentSchema);
