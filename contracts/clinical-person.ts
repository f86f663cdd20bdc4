import { z } from 'zod';

/** An identifier is its value together with who assigned it: the value alone identifies nobody. */
export const identifier = z.strictObject({
  value: z.string().min(1),
  /** Who assigned it: namespace, or universal id. */
  authority: z.string().optional(),
  /** HL7 table 0203: MR, SS, PI, VN … */
  type: z.string().optional(),
});

/** A code with its meaning for people and the name of its code system, e.g. `LN` (LOINC). */
export const codedValue = z.strictObject({
  code: z.string().optional(),
  text: z.string().optional(),
  system: z.string().optional(),
});

/** ISO 8601 as precise as its sender was: `2026-03-02`, `2026-03-02T08:15:00+01:00`; no offset where the sender gave none. */
export const instant = z
  .string()
  .regex(/^\d{4}(-\d\d(-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,4})?)?([+-]\d\d:\d\d)?)?)?)?$/, 'an ISO 8601 date or time');

/** From which message of which system an event comes. */
export const origin = z.strictObject({
  application: z.string().optional(),
  facility: z.string().optional(),
  controlId: z.string().optional(),
});

/** Where somebody is or is to come. */
export const place = z.strictObject({
  ward: z.string().optional(),
  room: z.string().optional(),
  bed: z.string().optional(),
  facility: z.string().optional(),
});

/** Somebody of the staff. */
export const person = z.strictObject({
  identifier: identifier.optional(),
  family: z.string().optional(),
  given: z.string().optional(),
});

export type Identifier = z.output<typeof identifier>;
export type CodedValue = z.output<typeof codedValue>;
export type Origin = z.output<typeof origin>;
export type Place = z.output<typeof place>;
export type Person = z.output<typeof person>;
