import { z } from 'zod';
import { channelOptions, destinationOptions } from '../channel.ts';

/** The keys of a channel file: those of the options, and what the builder's calls say in TypeScript. */
export const channelKeys = channelOptions.extend({
  channel: z.string().describe('The channel’s name.'),
  source: z.unknown().describe('Where messages come from: one adapter with its configuration.'),
  profile: z
    .string()
    .optional()
    .describe(
      'The sender’s profile, `profiles/<name>.profile.yaml` of the channels folder: what it does in its own way.',
    ),
  format: z.string().optional().describe('What the bytes of a source without a format of its own are read as.'),
  key: z
    .union([z.string(), z.array(z.string()).min(1)])
    .optional()
    .describe('Paths of the identifiers whose messages stay in order; the whole channel if absent.'),
  filter: z.unknown().optional().describe('Messages that it does not let through are filtered.'),
  steps: z.unknown().optional().describe('What every message goes through, in order.'),
  reply: z
    .unknown()
    .optional()
    .describe(
      'Steps that the positive answer of `replyFrom` goes through, read as the channel’s format, before the sender gets it.',
    ),
  destinations: z.record(z.string(), z.unknown()).describe('Where messages go, by name.'),
});

/** How a destination's messages are gathered: `collect:`. */
export const collectKeys = z.strictObject({
  count: z.int().min(1).max(100_000).optional().describe('So many messages close a collection.'),
  schedule: z
    .string()
    .optional()
    .describe('A cron expression, as `0 2 * * *`: what has gathered is closed then; made up for where it was missed.'),
  zone: z.string().optional().describe('The IANA zone of the schedule; that of the environment if absent, else UTC.'),
  maxWaitMs: z.int().positive().optional().describe('So long after its first message a collection is closed.'),
  whenEmpty: z
    .enum(['nothing', 'send'])
    .default('nothing')
    .describe('`send` makes an empty collection where the schedule finds nothing.'),
  envelope: z
    .unknown()
    .describe('How the messages become one: `hl7-batch`, `lines` or `json-array` with its configuration.'),
});

export const destinationKeys = destinationOptions.extend({
  filter: z.unknown().optional().describe('Messages that it does not let through are filtered for this destination.'),
  split: z
    .unknown()
    .optional()
    .describe(
      'Makes several messages of one, before the steps: `OBR`, a group, a JSON path, or `{ document: OBX-5 }`.',
    ),
  steps: z.unknown().optional().describe('What a message goes through for this destination alone.'),
  input: z
    .enum(['transformed', 'source'])
    .default('transformed')
    .describe('`source` starts from the message as it was received, before the channel’s steps.'),
  collect: collectKeys
    .optional()
    .describe('Gathers messages and sends them as one; a message then counts as sent when it is in a collection.'),
  to: z.unknown().describe('One connector with its configuration.'),
  response: z
    .unknown()
    .optional()
    .describe('What follows from each answer of the far end; belongs to the connector’s configuration.'),
});

/** `split:` with something to say beside where. */
export const splitKeys = z.strictObject({
  document: z.string().describe('The field whose ED values become documents, as OBX-5.'),
});
