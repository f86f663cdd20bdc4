import { z } from 'zod';
import { identifier, instant, origin, place } from './clinical-person.ts';
import { jsonFormat } from './json-format.ts';

const visit = z.strictObject({
  number: identifier.optional(),
  /** HL7 table 0004: I inpatient, O outpatient, E emergency, P preadmission … */
  class: z.string().optional(),
  location: place.optional(),
  priorLocation: place.optional(),
  admittedAt: instant.optional(),
  dischargedAt: instant.optional(),
});

/**
 * Something happened to a patient, or to what is known of one. A demographic field that is absent was not said and stays as it
 * was; null deletes it (HL7 2.5.1 §2.5.3).
 */
export const patientEventSchema = z.strictObject({
  kind: z.enum([
    'admitted',
    'admission-cancelled',
    'transferred',
    'transfer-cancelled',
    'discharged',
    'discharge-cancelled',
    'registered',
    'pre-admitted',
    'class-changed',
    'created',
    'updated',
    'merged',
    'other',
  ]),
  /** The trigger event of HL7 table 0003: `A01`. */
  trigger: z.string(),
  occurredAt: instant.optional(),
  patient: z.strictObject({
    /** The medical record number among them has type MR. Of a merge, those of the record that survives. */
    identifiers: z.array(identifier),
    family: z.string().nullable().optional(),
    given: z.string().nullable().optional(),
    birthDate: instant.nullable().optional(),
    /** HL7 table 0001: F, M, O, U, A, N. */
    sex: z.string().nullable().optional(),
  }),
  visit: visit.optional(),
  /** Of a merge: the identifiers that are retired, and from now on mean the patient above. */
  retired: z.array(identifier).optional(),
  origin,
});

export type PatientEvent = z.output<typeof patientEventSchema>;

export const patientEvent = jsonFormat('clinical.patient.v1', patientEventSchema);
