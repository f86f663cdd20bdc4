import { z } from 'zod';
import { criticalResult, labResult } from '../../contracts/lab-result.ts';
import { defineTransform } from '../../core/define.ts';
import { many } from '../../core/transform.ts';

/** HL7 table 0085: deleted, not obtainable, posted to the wrong patient. Nobody is to be called for these. */
const withdrawn = new Set(['D', 'X', 'W']);

/** Splits off the observations that somebody has to be told of now, one event each; a result without any is filtered. */
export const labResultToCritical = defineTransform({
  type: 'lab-result-to-critical',
  summary:
    'Splits off the observations that somebody has to be told of now, one event each; a result without any is filtered.',
  accepts: labResult,
  produces: criticalResult,
  config: z.strictObject({
    flags: z
      .array(z.string())
      .min(1)
      .default(['HH', 'LL'])
      .describe('Abnormal flags (OBX-8, HL7 table 0078) that make an observation critical, in any of its repetitions.'),
  }),
  examples: [
    { title: 'Values beyond the panic limits', config: {} },
    { title: 'Critical microbiology too', config: { flags: ['HH', 'LL', 'AA'] } },
  ],
  create: ({ flags }) => {
    const critical = new Set(flags);
    return ({ patient, order, origin, observations }) =>
      many(
        observations
          .filter((each) => !withdrawn.has(each.status ?? '') && each.flags.some((flag) => critical.has(flag)))
          .map((observation) => ({ patient, order, origin, observation })),
      );
  },
});
