import { z } from 'zod';
import { defineAdapter } from '../../core/define.ts';
import { bytes } from '../../core/format.ts';
import { eventsSource } from './source.ts';

const config = z.strictObject({
  topic: z.string().min(1).describe('Name of the topic that is read, e.g. clinical.patient.v1.'),
  group: z
    .string()
    .min(1)
    .optional()
    .describe('Consumers of one group share the topic’s events and its offset; the channel’s name if absent.'),
  from: z
    .enum(['earliest', 'latest'])
    .default('earliest')
    .describe('Where a group starts that has no offset yet: at the oldest event kept, or with the next one.'),
  maxBatch: z.int().min(1).max(10_000).default(500).describe('Events handed over in one batch at the most.'),
});

/**
 * Reads a topic of the event log. An event's key is the message's key, its headers are the message's meta, its id (the effect id it
 * was published under) is the dedupe key: with `duplicates: detect` an event that comes twice acts once. The offset moves on when
 * every event of a batch has reached the channel's `ackAfter`; one that became an error is kept in the message store, so it holds
 * up nothing. Its bytes are read as a format by the channel: `.from(events({ topic: topic.name }), topic.format)`.
 */
export const events = defineAdapter({
  type: 'events',
  summary: 'Reads the events of a topic and commits their offset once they are acknowledged.',
  produces: bytes,
  acknowledges: 'confirm',
  config,
  examples: [
    { title: 'Patient events, from the oldest that is kept', config: { topic: 'clinical.patient.v1' } },
    {
      title: 'Critical results from now on, as a group of their own',
      config: { topic: 'lab.result.critical.v1', group: 'ward-pagers', from: 'latest' },
    },
  ],
  create: (settings, context) => eventsSource({ ...settings, group: settings.group ?? context.channel }, context),
});
