import { z } from 'zod';

const DAY_MS = 86_400_000;
const day = /^\d{4}-\d\d-\d\d$/;
const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d)$/;

/** The columns by which a row says when it is in force. */
export const EFFECTIVE_FROM = 'effectiveFrom';
export const EFFECTIVE_TO = 'effectiveTo';

const date = z
  .string()
  .refine((value) => startOf(value) !== undefined, 'a day as 2026-03-31, or an instant with its zone');

/** What a code table says of itself: at the top of a YAML table, in the first lines of a CSV file, or in a file beside it. */
export const tableHeader = z.strictObject({
  table: z
    .string()
    .regex(/^[a-z0-9]+(?:[-.][a-z0-9]+)*$/, 'a name like patient-class')
    .describe('The name by which maps and filters know the table.'),
  owner: z.string().min(1).describe('Who answers for its content: a person or a department.'),
  version: z.string().min(1).describe('The version of its content, as its owner counts.'),
  description: z.string().optional().describe('What the codes are about.'),
  effective: z
    .strictObject({
      from: date.optional().describe('The first day, or the instant, from which the table is in force.'),
      to: date.optional().describe('The last day on which it is in force, or the instant at which it ends.'),
    })
    .optional()
    .describe(
      'When rows are in force that do not say so themselves in effectiveFrom and effectiveTo. Days are days in UTC.',
    ),
  from: z.string().optional().describe('The column with the codes to look up; the first one if absent.'),
  to: z.string().optional().describe('The column that a lookup gives when it names none; the second one if absent.'),
});

/** A table that is all in one YAML file. */
export const yamlTable = tableHeader.extend({
  rows: z.array(z.record(z.string(), z.unknown())).min(1).describe('The rows, each with its values by column.'),
});

/** The instant from which something written so is in force; undefined for what is no date. */
export function startOf(value: string): number | undefined {
  if (!day.test(value) && !instant.test(value)) return undefined;
  const at = Date.parse(value);
  // Date.parse turns February 30 into March 2.
  const real =
    !Number.isNaN(at) && new Date(`${value.slice(0, 10)}T00:00:00Z`).toISOString().startsWith(value.slice(0, 10));
  return real ? at : undefined;
}

/** The instant at which something written so ends: of a day, the whole day counts. */
export function endOf(value: string): number | undefined {
  const at = startOf(value);
  return at !== undefined && day.test(value) ? at + DAY_MS : at;
}
