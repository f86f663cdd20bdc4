import { z } from 'zod';

/** What a channel says of a serial source. */
export const config = z.strictObject({
  profile: z
    .string()
    .min(1)
    .describe('The device profile, of transport serial: `pulse-oximeter` is `devices/pulse-oximeter.profile.yaml`.'),
  devices: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe('Which of the profile’s devices are read; all of them if absent.'),
  batchFrames: z
    .int()
    .min(1)
    .max(1_000)
    .default(50)
    .describe('Frames in one arrival at the most; what comes more than 200 ms apart is never in one.'),
  queueFrames: z
    .int()
    .min(1)
    .max(100_000)
    .default(1_000)
    .describe(
      'Frames of one device that wait while the store has no room. Beyond it the oldest are dropped and counted (`serial_dropped_total`).',
    ),
});

export type SerialSourceConfig = z.output<typeof config>;
