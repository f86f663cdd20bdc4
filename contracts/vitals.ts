import { z } from 'zod';
import { identifier } from './clinical-person.ts';
import { jsonFormat } from './json-format.ts';

const instant = z.iso.datetime();
/** Words with a blank between them: what every system downstream takes for a code, a name or an identifier. */
const words = z.string().regex(/^\S+( \S+)*$/);

/** Validity as in IEEE 11073-10207: valid, questionable, invalid, over and under what the device can measure. */
export const validities = ['Vld', 'Qst', 'Inv', 'Oflw', 'Uflw'] as const;
export type Validity = (typeof validities)[number];

/** Whether a value stands beside this validity: a questionable one does, the last one never takes the place of one that is missing. */
export function hasValue(validity: Validity): boolean {
  return validity === 'Vld' || validity === 'Qst';
}

/** What a point is, in the codes of others. */
export const pointCode = z.strictObject({
  /** `urn:iso:std:iso:11073:10101`, partition × 65,536 + term. */
  mdc: z.int().positive().optional(),
  /** The first is the one to show. */
  loinc: z.array(z.string()).min(1).optional(),
});

const reading = z
  .strictObject({
    /** Of the profile. */
    point: words,
    /** Absent where there is none: `validity` says why. A name for a state, a truth for a contact. */
    value: z.union([z.number(), z.boolean(), z.string()]).optional(),
    /** UCUM; of numbers only. */
    unit: z.string().optional(),
    code: pointCode.optional(),
    validity: z.enum(validities),
    /** By the device's own clock, as it was: after a restart that may be 1970. */
    deviceTime: instant.optional(),
    /** `deviceTime` less `receivedAt`, in milliseconds. */
    skewMs: z.int().optional(),
    /** The device's own count, which begins anew when it restarts. */
    sequence: z.int().nonnegative().optional(),
  })
  .refine(
    ({ value, validity }) => hasValue(validity) === (value !== undefined),
    'a value where, and only where, it is valid',
  );

/** Whose and where from: the same for a reading and for an alarm. */
const source = {
  device: words,
  profile: words,
  location: z.string().optional(),
  /** Whom it is about, as the profile's route says: a bed, a room. Never a patient: that is for the association to tell. */
  subject: z.string().optional(),
};

/** With whom the device was: told by an association, or by the system that sent the readings, and never guessed. */
const patient = z.strictObject({ identifiers: z.array(identifier).min(1) });

/** What one message of a device said: as many readings as it carried, in its order. */
export const vitalReadingsSchema = z.strictObject({
  ...source,
  /** Of a laboratory's device: what was measured. */
  specimen: z.string().optional(),
  patient: patient.optional(),
  receivedAt: instant,
  readings: z.array(reading).min(1).max(5_000),
});

/** What an alarm has become. Those of one incident share its id. */
export const vitalAlarmSchema = z.strictObject({
  ...source,
  /** Of the profile. */
  alarm: z.string().min(1),
  incident: z.string().min(1),
  kind: z.enum(['physiological', 'technical']),
  priority: z.enum(['low', 'medium', 'high']),
  /** `latched`: its condition is over, and nobody has acknowledged it yet. */
  state: z.enum(['active', 'acknowledged', 'latched', 'cleared']),
  raisedAt: instant,
  at: instant,
  /** When what raised it had come in: how late the alarm is. */
  receivedAt: instant.optional(),
  /** One line for people: the condition, not the value. */
  title: z.string(),
  reading: reading.optional(),
  /** With whom the device was when it was raised; without an association an alarm names the device and its place only. */
  patient: patient.optional(),
  /** Who acknowledged it. */
  by: z.string().optional(),
});

export type Reading = z.output<typeof reading>;
export type PointCode = z.output<typeof pointCode>;
/** With whom a device is. */
export type DevicePatient = z.output<typeof patient>;
export type VitalReadings = z.output<typeof vitalReadingsSchema>;
export type VitalAlarm = z.output<typeof vitalAlarmSchema>;

export const vitalReadings = jsonFormat('vitals.numeric.v1', vitalReadingsSchema);
export const vitalAlarm = jsonFormat('vitals.critical.v1', vitalAlarmSchema);
