import { z } from 'zod';
import { codedValue, identifier, instant, origin, person } from './clinical-person.ts';
import { jsonFormat } from './json-format.ts';

/** An amount as text, exactly as it was said, and its currency (ISO 4217). */
const money = z.strictObject({
  amount: z.string().regex(/^-?\d+(\.\d+)?$/, 'a decimal number'),
  currency: z.string().optional(),
});

/** One transaction on a patient’s account. */
export const chargeSchema = z.strictObject({
  /** HL7 table 0017: CG, CD, PY, AJ; `other` for anything else, which `type` says. */
  kind: z.enum(['charge', 'credit', 'payment', 'adjustment', 'other']),
  type: z.string(),
  /** The sender’s number of it. */
  transaction: z.string().optional(),
  batch: z.string().optional(),
  patient: z.strictObject({ identifiers: z.array(identifier) }),
  account: identifier.optional(),
  visit: identifier.optional(),
  /** What for. */
  code: codedValue,
  procedure: codedValue.optional(),
  quantity: z.string().optional(),
  /** All of it, and of one. */
  total: money.optional(),
  each: money.optional(),
  department: codedValue.optional(),
  diagnoses: z.array(codedValue),
  performedBy: z.array(person),
  performedAt: instant.optional(),
  postedAt: instant.optional(),
  origin,
});

export type Charge = z.output<typeof chargeSchema>;

export const charge = jsonFormat('billing.charge.v1', chargeSchema);
