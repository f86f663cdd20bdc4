import { z } from 'zod';
import { defineAdapter } from '../../core/define.ts';
import { endpointName } from '../../core/endpoint-name.ts';
import { bytes } from '../../core/format.ts';
import { kafkaSource } from './source.ts';

const topicName = z
  .string()
  .regex(/^(?!\.{1,2}$)[a-zA-Z0-9._-]{1,249}$/, 'a name like lab.results: letters, digits and . _ -');

const config = z.strictObject({
  endpoint: endpointName('kafka').describe('Name of the kafka endpoint in the environment file.'),
  topics: z.array(topicName).min(1).describe('Names of the topics that are read; they have to exist.'),
  group: z
    .string()
    .min(1)
    .max(249)
    .optional()
    .describe(
      'Consumers of one group share the partitions of the topics and their offsets; the channel’s name if absent.',
    ),
  from: z
    .enum(['earliest', 'latest'])
    .default('earliest')
    .describe('Where a group starts that has no offset yet: at the oldest record kept, or with the next one.'),
  maxBatch: z.int().min(1).max(10_000).default(500).describe('Records handed over in one batch at the most.'),
  tombstones: z
    .enum(['skip', 'deliver'])
    .default('skip')
    .describe('What becomes of records without a value: they are counted and passed over, or come as empty messages.'),
  dedupeHeader: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Header whose value says that two records are the same; topic, partition and offset of a record if absent.',
    ),
  sessionTimeoutMs: z
    .int()
    .min(1000)
    .default(10_000)
    .describe(
      'A hub of which the brokers hear nothing for so long loses its partitions; they have bounds for it of their own.',
    ),
  rebalanceTimeoutMs: z
    .int()
    .min(1000)
    .default(300_000)
    .describe('How long other members of the group wait for batches in hand to be acknowledged when partitions move.'),
});

/**
 * Reads topics of a Kafka cluster that belongs to somebody else; the hub’s own are read with `events`. The key of a record is the key
 * of its message, its headers are meta (`kafka.header.<name>`), beside `kafka.topic`, `kafka.partition`, `kafka.offset` and
 * `kafka.timestamp`. Offsets are committed, in order, when every record of a batch has reached the channel's `ackAfter`: at least
 * once. Records of aborted transactions are not read.
 */
export const kafka = defineAdapter({
  type: 'kafka',
  summary: 'Reads topics of a Kafka cluster and commits the offset of each record once it is acknowledged.',
  produces: bytes,
  acknowledges: 'confirm',
  config,
  examples: [
    {
      title: 'Results of a laboratory, from the oldest that is kept',
      config: { endpoint: 'lab-kafka', topics: ['lab.results'] },
    },
    {
      title: 'Two topics from now on, as a group of their own, with the ids of their sender',
      config: {
        endpoint: 'region-kafka',
        topics: ['region.admissions', 'region.discharges'],
        group: 'ward-list',
        from: 'latest',
        dedupeHeader: 'event-id',
      },
    },
  ],
  create: (settings, context) => kafkaSource({ ...settings, group: settings.group ?? context.channel }, context),
});
