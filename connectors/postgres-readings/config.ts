import { z } from 'zod';
import { endpointName } from '../../core/endpoint-name.ts';

const days = (count: number) => z.int().min(1).max(36_500).default(count);

/** What a channel says of the time series that it writes. */
export const config = z.strictObject({
  endpoint: endpointName('postgres').describe('Name of the postgres endpoint in the environment file.'),
  schema: z
    .string()
    .regex(/^[a-z_][a-z0-9_]{0,62}$/, 'a name in lower case')
    .default('readings')
    .describe('Schema of the tables.'),
  createTables: z
    .boolean()
    .default(true)
    .describe('Makes schema and tables where they are missing, and newer ones of those that are there.'),
  keepDays: days(90).describe(
    'Days that single readings are kept; a day goes as a whole. What is older when it comes is not written.',
  ),
  keepRollupDays: days(1_825).describe('Days that the figures of each minute are kept.'),
  aheadDays: z.int().min(1).max(60).default(3).describe('Days for which there is room ahead of time.'),
  trustSkewMs: z
    .int()
    .min(0)
    .default(5 * 60_000)
    .describe(
      'A reading has the time of its device where that differs by no more from ours, else the time at which it was received.',
    ),
  latestEveryMs: z
    .int()
    .min(0)
    .max(60_000)
    .default(1_000)
    .describe('How often the last value of a series is written to `latest`: with each write at 0.'),
  maxBatch: z.int().min(1).max(5_000).default(200).describe('Messages in one transaction, at the most.'),
  connectTimeoutMs: z.int().min(100).default(10_000).describe('Time for a connection, login included.'),
  timeoutMs: z
    .int()
    .min(100)
    .default(30_000)
    .describe('Time for a statement; then the connection is given up, and the batch is sent again.'),
});

export type ReadingsConfig = ReturnType<typeof config.parse>;
