import { z } from 'zod';
import { linkKeys, whereKeys } from '../../clients/astm-link/config.ts';
import { endpointName } from '../../core/endpoint-name.ts';

const dayMs = 86_400_000;

/** What a channel says of an ASTM destination. */
export const config = z
  .strictObject({
    ...whereKeys,
    worklist: endpointName('directory')
      .optional()
      .describe(
        'Name of a directory endpoint instead: orders wait there until the analyzer asks for them (`queries: worklist` of the source).',
      ),
    keepOrdersMs: z
      .int()
      .min(60_000)
      .default(7 * dayMs)
      .describe('Orders of the worklist that nobody asked for are dropped after so long.'),
    connectTimeoutMs: z
      .int()
      .min(10)
      .default(10_000)
      .describe('How long is waited for a line to the analyzer before the message is put off.'),
    link: linkKeys,
  })
  .refine(
    ({ endpoint, connect, port, worklist }) =>
      [endpoint, connect, port, worklist].filter((each) => each !== undefined).length === 1,
    'one of endpoint, connect, port and worklist',
  );

export type AstmDestinationConfig = z.output<typeof config>;
