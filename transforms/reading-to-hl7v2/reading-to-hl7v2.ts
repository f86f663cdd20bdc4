import { z } from 'zod';
import { hl7v2 } from '../../contracts/hl7v2.ts';
import { vitalReadings } from '../../contracts/vitals.ts';
import { defineTransform } from '../../core/define.ts';
import { messageOf } from './pcd-message.ts';

const name = (text: string) =>
  z
    .string()
    .regex(/^[^\r\n]+$/)
    .max(227)
    .optional()
    .describe(text);

/** Makes device messages of readings: `transforms.readingToHl7v2({ sendingApplication: 'WEIR' })`. */
export const readingToHl7v2 = defineTransform({
  type: 'reading-to-hl7v2',
  summary:
    'Makes an HL7 v2 message of the readings of a device as IHE’s Device Enterprise Communication has it (PCD-01, ORU^R01 in 2.6).',
  accepts: vitalReadings,
  produces: hl7v2,
  config: z.strictObject({
    sendingApplication: name('MSH-3.'),
    sendingFacility: name('MSH-4.'),
    receivingApplication: name('MSH-5.'),
    receivingFacility: name('MSH-6.'),
    processingId: z.enum(['P', 'T', 'D']).default('P').describe('MSH-11: production, training or debugging.'),
    device: z
      .strictObject({
        code: z.int().positive().describe('The number of its MDC code.'),
        name: z
          .string()
          .regex(/^MDC_\w+$/)
          .describe('The reference name of that code.'),
      })
      .default({ code: 69_965, name: 'MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS' })
      .describe('What kind of device these are, as IEEE 11073-10101 has it.'),
  }),
  examples: [
    { title: 'Monitors to an EHR', config: { sendingApplication: 'WEIR', receivingApplication: 'EHR' } },
    { title: 'Pulse oximeters', config: { device: { code: 69_641, name: 'MDC_DEV_ANALY_SAT_O2_MDS' } } },
  ],
  create: (config) => (event) => messageOf(event, config),
});
