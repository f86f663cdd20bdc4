import { z } from 'zod';
import { hl7v2 } from '../../contracts/hl7v2.ts';
import { vitalReadings } from '../../contracts/vitals.ts';
import { defineTransform } from '../../core/define.ts';
import { many } from '../../core/transform.ts';
import { readingsIn } from './readings-in.ts';

/** Reads device messages: `transforms.hl7v2ToReading({ points: { 147842: 'hr' } })`. */
export const hl7v2ToReading = defineTransform({
  type: 'hl7v2-to-reading',
  summary:
    'Reads what a gateway of devices reports as IHE’s Device Enterprise Communication has it (PCD-01, ORU^R01): one event for each device.',
  accepts: hl7v2,
  produces: vitalReadings,
  config: z.strictObject({
    profile: z.string().regex(/^\S+$/).default('pcd-01').describe('What stands as profile in the readings.'),
    points: z
      .record(z.string().min(1), z.string().regex(/^\S+$/))
      .default({})
      .describe(
        'The names of points by the code in OBX-3.1 or OBX-3.4; what is not listed has its reference name: ecg-card-beat-rate.',
      ),
  }),
  examples: [
    { title: 'A gateway of monitors', config: {} },
    {
      title: 'With the names that the ward’s other monitors have',
      config: { points: { 147842: 'hr', 150456: 'spo2', 151562: 'rr' } },
    },
  ],
  create: (config) => (message, envelope) => many(readingsIn(message, envelope.receivedAt, config)),
});
