import { z } from 'zod';
import { isUcum, ucumFor } from './ucum.ts';

/** A text that a variable may stand for, which YAML has read as a number: room 301. */
export const text = z.preprocess((value) => (typeof value === 'number' ? String(value) : value), z.string().min(1));

export const unit = z
  .string()
  .superRefine((written, context) => {
    if (isUcum(written)) return;
    const meant = ucumFor(written);
    context.addIssue({
      code: 'custom',
      message: `no unit of UCUM${meant === undefined ? '' : ` – did you mean ${meant}?`}`,
    });
  })
  .describe(
    'The unit of the value in UCUM, after scale and offset: `mm[Hg]`, `/min`, `%`, `Cel`; `1` where there is none.',
  );

const loinc = z.string().refine(isLoinc);

export const code = z
  .strictObject({
    mdc: z
      .int()
      .min(65_536)
      .max(0xffff_ffff)
      .optional()
      .describe('The code of IEEE 11073-10101, partition × 65,536 + term: 150456.'),
    loinc: z
      .union([loinc.transform((one) => [one]), z.array(loinc).min(1)], {
        error: 'a LOINC with its check digit, like 8867-4, or several',
      })
      .optional()
      .describe('The LOINC, or several of which the first is the one to show.'),
  })
  .refine(({ mdc, loinc }) => mdc !== undefined || loinc !== undefined, 'mdc, loinc or both')
  .describe('What the point is, in the codes of others.');

export const plausible = z
  .strictObject({
    min: z.number().optional().describe('What is less is kept, but questionable (Qst).'),
    max: z.number().optional().describe('What is more is kept, but questionable (Qst).'),
  })
  .refine(({ min, max }) => (min !== undefined || max !== undefined) && (min ?? -Infinity) <= (max ?? Infinity), {
    message: 'min, max or both, min not above max',
  })
  .describe('The range in which a value is believed.');

/** What a point of any protocol has. */
export const named = {
  id: z
    .string()
    .regex(/^[a-z][A-Za-z0-9]*(?:[-.][A-Za-z0-9]+)*$/, 'a name like spo2 or room.pressure')
    .describe('Its name: in readings, alarms and the console.'),
  title: z.string().optional().describe('What people call it.'),
  code: code.optional(),
};

/** What a point has whose value is a number. */
export const numeric = { unit, plausible: plausible.optional() };

const factor = z.number().refine((scale) => scale !== 0, 'any number but 0');

/** How a raw number becomes the value. */
export const scaling = {
  scale: factor.optional().describe('The value is raw × scale + offset; 1 if absent.'),
  offset: z.number().optional().describe('The value is raw × scale + offset; 0 if absent.'),
};

/** Mod 10 as LOINC takes it, over the digits from the right, every other one doubled. */
function isLoinc(written: string): boolean {
  const [, digits, check] = /^(\d{1,7})-(\d)$/.exec(written) ?? [];
  if (!digits || !check) return false;
  let sum = 0;
  for (let at = 0; at < digits.length; at++) {
    const digit = Number(digits[digits.length - 1 - at]);
    const doubled = at % 2 === 0 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return (10 - (sum % 10)) % 10 === Number(check);
}
