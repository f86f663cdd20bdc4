import { z } from 'zod';
import { topology } from '../../clients/rabbitmq/topology.ts';
import { endpointName } from '../../core/endpoint-name.ts';
import { isMessageTemplate } from '../../core/message-template.ts';

const places = 'messageId, n, destination, effectId, channel, seq, key, meta.<name>';
const template = () => z.string().refine(isMessageTemplate, `a text with places like \${key}: ${places}`);

/** What a channel says of a RabbitMQ destination. */
export const config = z
  .strictObject({
    endpoint: endpointName('rabbitmq').describe('Name of the rabbitmq endpoint in the environment file.'),
    exchange: template()
      .default('')
      .describe(
        `Exchange that gets the messages, with places that are filled in: ${places}. Empty is the default one: routingKey names the queue then.`,
      ),
    routingKey: template()
      .default('')
      .describe(`What the exchange chooses queues by, with the places of exchange: \`adt.\${meta.hl7.type}\`.`),
    mandatory: z
      .boolean()
      .default(true)
      .describe('A message that no queue gets is an error; `false` lets the broker throw it away.'),
    persistent: z
      .boolean()
      .default(true)
      .describe('A message in a durable queue outlives the broker’s restart; `false` is faster.'),
    priority: z
      .union([z.int().min(0).max(255), template()])
      .optional()
      .describe(
        'Priority in a queue with maxPriority: a number, or a text with the places of exchange that gives one.',
      ),
    expirationMs: z
      .int()
      .positive()
      .optional()
      .describe('A message that waits in its queue for longer expires there; it waits for ever if absent.'),
    type: template().optional().describe('Property `type` of the message, with the places of exchange.'),
    contentType: z.string().max(255).optional().describe('Property `content_type` of the message; none if absent.'),
    headers: z
      .record(z.string().min(1).max(255), template())
      .default({})
      .describe(
        'Headers of the message beside those of our own, with the places of exchange; one that is empty is left out.',
      ),
    declare: topology
      .optional()
      .describe('Exchanges, queues and bindings that are made where they are missing; by somebody else if absent.'),
    connectTimeoutMs: z.int().min(100).default(10_000).describe('Time for a connection, TLS and login included.'),
    confirmTimeoutMs: z
      .int()
      .min(100)
      .default(10_000)
      .describe(
        'Time for the broker to confirm a batch; then its messages are written again, with the same ids, over another connection.',
      ),
  })
  .refine(({ exchange, routingKey }) => exchange !== '' || routingKey !== '', 'exchange or routingKey is missing');

export type RabbitDestinationConfig = ReturnType<typeof config.parse>;
