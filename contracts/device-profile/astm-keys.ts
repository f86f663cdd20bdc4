import { z } from 'zod';
import type { Dialect } from '../../protocols/astm/dialect.ts';
import { named, numeric } from './point-keys.ts';

const places = z
  .array(z.string().regex(/^\d+(?:\[\d+\])?(?:\.\d+)?$/, 'a place like 3.4 or 5[2].1'))
  .min(1)
  .optional();

const dialect = z
  .strictObject({
    specimenId: places.describe('In O, the specimen.'),
    patientId: places.describe('In P, the patient.'),
    testCode: places.describe('In R and O, the code of the test.'),
    testName: places.describe('In R, what the test is called.'),
    testSystem: places.describe('In R, the code system of the test.'),
    value: places.describe('In R, the value.'),
    unit: places.describe('In R, its unit.'),
    range: places.describe('In R, the reference range.'),
    operator: places.describe('In R, who ran it.'),
    completedAt: places.describe('In R, when it was completed.'),
    instrument: places.describe('In R, the instrument.'),
    headerInstrument: places.describe('In H, the instrument.'),
    queriedSpecimen: z
      .array(z.int().min(1))
      .min(1)
      .optional()
      .describe('Components of Q-3 that may name the specimen.'),
  })
  .describe(
    'Where this analyzer writes what, as far as it differs from LIS02-A2: places of which the first that has a value counts.',
  );

export const astmSection = z
  .strictObject({
    charset: z.string().optional().describe('The character set of its messages; ISO 8859-1 if absent.'),
    dialect: dialect.default({}),
  })
  .describe('How the analyzer writes. How it is reached is the channel’s.');

const match = z
  .union([
    z
      .string()
      .min(1)
      .transform((one) => [one]),
    z.array(z.string().min(1)).min(1),
  ])
  .describe('The code of the test as the analyzer writes it, or several.');
const invalid = z.array(z.string()).optional().describe('Values by which the analyzer says that it has none.');

/** A test of an analyzer. */
export const astmPointKeys = z.discriminatedUnion('type', [
  z.strictObject({
    ...named,
    ...numeric,
    type: z.literal('number').describe('A number; `<0.1` and `>500` are under and over the range.'),
    match,
    writtenUnits: z
      .array(z.string())
      .optional()
      .describe('How the analyzer writes the unit, beside as UCUM does. A value in any other unit is taken as none.'),
    invalid,
  }),
  z.strictObject({ ...named, type: z.literal('text').describe('A text as it is: `positive`.'), match, invalid }),
]);

export type AstmSection = z.output<typeof astmSection>;
export type AstmPointKeys = z.output<typeof astmPointKeys>;

/** Where the analyzer of a profile writes what, as far as it differs from the standard. */
export function dialectIn({ dialect }: AstmSection): Partial<Dialect> {
  return Object.fromEntries(Object.entries(dialect).filter(([, places]) => places !== undefined)) as Partial<Dialect>;
}

/** Whether the unit that an analyzer wrote is that of the point; a value in another one would be wrong by its factor. */
export function isUnitOf(
  written: string | undefined,
  point: Extract<AstmPointKeys, { readonly type: 'number' }>,
): boolean {
  return written === undefined || written === point.unit || point.writtenUnits?.includes(written) === true;
}
