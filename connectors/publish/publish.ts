import { z } from 'zod';
import { type Connector, defineConnector } from '../../core/define.ts';
import type { DestinationSpec } from '../../core/destination.ts';
import type { Topic } from '../../core/events/event-log.ts';
import type { Format } from '../../core/format.ts';
import { publisher } from './publisher.ts';

const config = z.strictObject({
  topic: z.string().min(1).describe('Name of the topic, e.g. clinical.patient.v1.'),
  partitions: z
    .int()
    .min(1)
    .max(1024)
    .optional()
    .describe('Partitions of the topic, fixed at its first use. Absent: as many as it has, 8 where it is new.'),
  retentionMs: z
    .int()
    .positive()
    .default(7 * 24 * 3600 * 1000)
    .describe('How long events are kept, in milliseconds.'),
  contentType: z.string().optional().describe('Content type in the header of every event; none if absent.'),
});

const byName = defineConnector({
  type: 'publish',
  summary: 'Publishes messages as events of a topic, under every key they have.',
  accepts: 'any',
  batching: 'atomic',
  // The event log keeps what it is given; that a repeated event acts once is up to those who read it (rule 30).
  effect: 'atLeastOnce',
  maxBatch: 500,
  config,
  examples: [
    { title: 'Patient events', config: { topic: 'clinical.patient.v1' } },
    {
      title: 'A topic with its own retention',
      config: { topic: 'lab.result.v1', partitions: 16, retentionMs: 86_400_000 },
    },
  ],
  create: publisher,
});

/**
 * Publishes to the hub's event log. By name, as YAML does, it takes bytes of any format; with a topic of contracts, whatever has not
 * that topic's payload does not compile: `publish(topics.patient)`.
 */
export const publish: Connector<typeof config, unknown> & (<T>(topic: Topic<T>) => DestinationSpec<T>) = Object.assign(
  <T>(input: z.input<typeof config> | Topic<T>) => ('format' in input ? toTopic(input) : byName(input)),
  byName,
);

function toTopic<T>({ name, format, partitions, retentionMs }: Topic<T>): DestinationSpec<T> {
  const spec = byName({ topic: name, partitions, retentionMs, contentType: format.contentType });
  return Object.freeze({ ...spec, accepts: format as Format<never> });
}
