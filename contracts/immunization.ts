import { z } from 'zod';
import { codedValue, identifier, instant, origin } from './clinical-person.ts';
import { jsonFormat } from './json-format.ts';

/** A dose was given, refused or not given, or what was said of one is taken back. */
export const immunizationSchema = z.strictObject({
  /** HL7 table 0322; a dose of which nothing is said was given. */
  kind: z.enum(['given', 'refused', 'not-given', 'partly-given']),
  /** HL7 table 0206. */
  action: z.enum(['added', 'updated', 'deleted']),
  patient: z.strictObject({ identifiers: z.array(identifier) }),
  placer: z.string().optional(),
  filler: z.string().optional(),
  vaccine: codedValue,
  givenAt: instant.optional(),
  /** As text, since `0.50` and `0.5` differ in precision; absent where it is not known. */
  amount: z.string().optional(),
  unit: z.string().optional(),
  lots: z.array(z.string()),
  expires: instant.optional(),
  manufacturer: codedValue.optional(),
  route: codedValue.optional(),
  site: codedValue.optional(),
  /** Why it was refused. */
  reason: codedValue.optional(),
  /** Where what is said of it comes from: HL7 table NIP001. */
  source: codedValue.optional(),
  origin,
});

export type Immunization = z.output<typeof immunizationSchema>;

export const immunization = jsonFormat('clinical.immunization.v1', immunizationSchema);
