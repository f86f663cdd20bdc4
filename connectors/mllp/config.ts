import { z } from 'zod';
import { ackCodes, errorKey } from '../../contracts/hl7v2-response.ts';
import { endpointName } from '../../core/endpoint-name.ts';

const action = z.enum(['accept', 'dead-letter', 'retry']);

/** What a channel says of an MLLP destination. */
export const config = z.strictObject({
  endpoint: endpointName('tcp-connect').describe('Name of the endpoint to connect to in the environment file.'),
  connections: z
    .int()
    .positive()
    .default(1)
    .describe(
      'Connections kept open; each carries one message at a time. More than one needs a far end that takes them.',
    ),
  connectTimeoutMs: z.int().positive().default(10_000).describe('Time for a connection, the TLS handshake included.'),
  ackTimeoutMs: z
    .int()
    .positive()
    .default(30_000)
    .describe(
      'Time to wait for the answer. Then the connection is closed, so that a late one is never taken for the next.',
    ),
  keepAliveMs: z
    .int()
    .min(0)
    .default(60_000)
    .describe('Silence after which TCP keep-alive asks whether the far end is still there; 0 never asks.'),
  waitFor: z
    .enum(['application', 'commit'])
    .default('application')
    .describe('The answer that counts where MSH-15 and MSH-16 both ask for one: AA, AE, AR or CA, CE, CR.'),
  messageControlId: z
    .enum(['strict', 'warn', 'off'])
    .default('strict')
    .describe(
      'What happens where MSA-2 of the answer is not the MSH-10 that was sent: sent again, counted, or nothing.',
    ),
  controlId: z
    .enum(['keep', 'effect'])
    .default('keep')
    .describe('`effect` writes an MSH-10 made from the effect id: a retry has the same, a replay another.'),
  response: z
    .partialRecord(z.union([z.enum([...ackCodes, 'none']), errorKey]), action)
    .default({})
    .describe(
      'What an answer means, where it is not AA/CA accept, AE/CE dead-letter, AR/CR retry, none retry, ERR-3.1=206 retry.',
    ),
});

export type MllpDestinationConfig = z.output<typeof config>;
