import { z } from 'zod';
import { linkKeys, whereKeys } from '../../clients/astm-link/config.ts';
import { endpointName } from '../../core/endpoint-name.ts';

const dayMs = 86_400_000;

/** What a channel says of an ASTM source. */
export const config = z
  .strictObject({
    ...whereKeys,
    profile: z
      .string()
      .optional()
      .describe(
        'Device profile of the analyzer: its messages are `device.arrival.v1` then, as `device-to-lab-result` reads them; LIS02-A2 messages (`astm`) if absent.',
      ),
    device: z
      .string()
      .optional()
      .describe('Which device of the profile it is; needed where the profile has several. Without a profile its name.'),
    charset: z
      .string()
      .optional()
      .describe('Character set of its messages where no profile says it; ISO 8859-1 if absent.'),
    queries: z
      .enum(['reply', 'worklist', 'ignore'])
      .default('ignore')
      .describe(
        'What answers a host query (Q): `reply` the destination of `replyFrom`, `worklist` the orders that a destination `astm` has put there; `ignore` nobody.',
      ),
    worklist: endpointName('directory')
      .optional()
      .describe('Name of the directory endpoint with the worklist, for `queries: worklist`.'),
    keepOrdersMs: z
      .int()
      .min(60_000)
      .default(7 * dayMs)
      .describe('Orders of the worklist that are older are not given out any more.'),
    giveAgain: z
      .boolean()
      .default(false)
      .describe(
        'Whether orders that the analyzer has acknowledged are given out again to any query; if not, only to one that names their specimen.',
      ),
    answerWithinMs: z
      .int()
      .min(100)
      .max(60_000)
      .default(12_000)
      .describe(
        'When no answer to a query is there by then, the analyzer is told that there is none: it waits for 15 s.',
      ),
    hostName: z.string().min(1).max(64).default('WEIR').describe('H-5 of our answers: who we are.'),
    faultsPerMinute: z
      .int()
      .min(0)
      .default(60)
      .describe('Incomplete messages that are kept; beyond it they are only counted.'),
    link: linkKeys,
  })
  .refine(
    ({ endpoint, connect, port }) => [endpoint, connect, port].filter((each) => each !== undefined).length === 1,
    'one of endpoint, connect and port',
  )
  .refine(({ queries, worklist }) => (queries === 'worklist') === (worklist !== undefined), {
    error: 'queries: worklist and the worklist’s directory go together',
    path: ['worklist'],
  });

export type AstmSourceConfig = z.output<typeof config>;
