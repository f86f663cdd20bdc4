import { z } from 'zod';

const id = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,39}$/, 'small letters, digits and hyphens, a letter first')
  .describe('What reports call the rule, after the name of the layer: hospital:vip.');

const target = z.union([
  z.string().min(1),
  z.strictObject({
    code: z.string().min(1),
    display: z.string().min(1).optional(),
    system: z
      .string()
      .regex(/^[a-z][a-z0-9+.-]*:\S+$/i, 'an absolute URI')
      .optional(),
  }),
]);

const rule = z
  .strictObject({
    id,
    from: z
      .string()
      .optional()
      .describe(
        'The field that an added rule is about, or a component of it: ZPI-3, PID-10.4; the segment alone with a value.',
      ),
    replaces: z
      .string()
      .optional()
      .describe(
        'The row whose rule this one stands for, as lineage shows it: PID[Patient] 20. What it does not say stays.',
      ),
    drops: z.string().optional().describe('The row whose rule is not carried out.'),
    reason: z.string().min(1).optional().describe('Why a rule is dropped; reports show it with the value.'),
    ignore: z
      .boolean()
      .optional()
      .describe('Whether the value of a dropped rule is left out; else it is kept in an extension under its v2 path.'),
    to: z
      .string()
      .optional()
      .describe(
        'The element: Patient.maritalStatus, Encounter.participant[2].individual(Practitioner), Patient.extension.valueCode.',
      ),
    url: z
      .string()
      .regex(/^(?:https?|urn):\S+$/, 'an absolute URI')
      .optional()
      .describe('Of an extension: what it is.'),
    via: z.string().optional().describe('The map of the data type, XPN[HumanName], where the field does not say it.'),
    vocabulary: z.string().optional().describe('The official vocabulary that codes are mapped by.'),
    codes: z
      .record(z.string().min(1), target)
      .optional()
      .describe('Codes of the site, in place of a vocabulary: { W: widowed } or { W: { code: W, system: urn:x } }.'),
    when: z
      .string()
      .optional()
      .describe('When it holds, as the official maps write it: PID-8 EQUALS "F" AND PV1-2 VALUED.'),
    value: z.string().min(1).optional().describe('What is put there, in place of what the field says.'),
  })
  .describe('A rule of the site: one of from (added), replaces and drops.');

/** A layer of a site's rules, as its file says it. */
export const rulesFile = z.strictObject({
  layer: z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, 'small letters, digits and hyphens, a letter first'),
  owner: z.string().min(1).optional().describe('Who answers for it: a person or a department.'),
  rules: z.array(rule).min(1),
});

export type RuleEntry = z.output<typeof rule>;
export type RulesFile = z.output<typeof rulesFile>;
