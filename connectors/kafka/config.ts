import { z } from 'zod';
import { endpointName } from '../../core/endpoint-name.ts';
import { isMessageTemplate } from '../../core/message-template.ts';

const places = 'messageId, effectId, channel, seq, key, meta.<name>';
const template = () => z.string().min(1).refine(isMessageTemplate, `a text with places like \${key}: ${places}`);

/** What a channel says of a Kafka destination. */
export const config = z.strictObject({
  endpoint: endpointName('kafka').describe('Name of the kafka endpoint in the environment file.'),
  topic: template().describe(
    `Name of the topic, with places that are filled in: ${places}. What a topic cannot be called by becomes _. It has to exist.`,
  ),
  key: z
    .union([z.literal(false), template()])
    .default('${key}')
    .describe(
      `Key of the record, with the places of topic: records of one key are in order. \`false\` writes none, and spreads records over the partitions.`,
    ),
  headers: z
    .record(z.string().min(1), template())
    .default({})
    .describe(
      'Headers of the record beside those of our own, with the places of topic; one that is empty is left out.',
    ),
  contentType: z.string().optional().describe('Content type in the header `contentType`; none if absent.'),
  transactionalId: z
    .union([z.literal(false), z.string().min(1).max(200)])
    .optional()
    .describe(
      'Name under which the brokers know the one hub that may write: they refuse one that was taken over from. Hubs that share a store have weir/<channel>/<destination> if absent, which another installation must not use at the same cluster; a hub of its own has none. `false`: none, for a user without the right to it.',
    ),
  deliveryTimeoutMs: z
    .int()
    .min(100)
    .default(30_000)
    .describe('Time for the brokers to confirm a batch; then its messages are sent again, with the same ids.'),
});

export type KafkaDestinationConfig = ReturnType<typeof config.parse>;
