import { z } from 'zod';
import { isTopicPattern, topicPattern } from '../../clients/mqtt/topic-pattern.ts';
import { defineAdapter } from '../../core/define.ts';
import { endpointName } from '../../core/endpoint-name.ts';
import { bytes } from '../../core/format.ts';
import { mqttSource } from './source.ts';

const dayMs = 86_400_000;

const subscription = z.strictObject({
  topic: z
    .string()
    .refine((text) => isTopicPattern(text), {
      error: ({ input }) => whyNot(String(input)),
    })
    .describe(
      'Topics that are read: `{id}` or `+` for one level, `#` for all that follow. What stands at `{id}` is `mqtt.topic.id` in meta.',
    ),
  qos: z
    .union([z.literal(0), z.literal(1)])
    .default(1)
    .describe(
      '`1`: the broker keeps what was not acknowledged and gives it out again; `0`: it may be lost on the way.',
    ),
});

const config = z
  .strictObject({
    endpoint: endpointName('mqtt').describe('Name of the mqtt endpoint in the environment file.'),
    subscriptions: z.array(subscription).min(1).max(100).describe('What is read from the broker.'),
    clientId: z
      .string()
      .min(1)
      .max(256)
      .optional()
      .describe(
        'By it the broker knows the session of this channel, and nobody else may have it; `weir-` and the name of the channel if absent.',
      ),
    sessionExpiryMs: z
      .int()
      .min(dayMs)
      .default(7 * dayMs)
      .describe('How long the broker keeps messages for this channel while it is away: 24 hours or more.'),
    receiveMaximum: z
      .int()
      .min(1)
      .max(65_535)
      .default(1_000)
      .describe(
        'Messages of QoS 1 that may be here without an acknowledgement; times their size it bounds the memory.',
      ),
    maxMessageBytes: z
      .int()
      .min(1_024)
      .max(268_435_455)
      .default(16 * 1024 * 1024)
      .describe('Longest packet that the broker may send; it throws away a longer one and tells nobody.'),
    retained: z
      .enum(['drop', 'take'])
      .default('drop')
      .describe(
        'What becomes of a retained message, which is the last state of its topic and no new sample: `take` hands it over with `mqtt.retained` in meta.',
      ),
    key: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Place of the topic whose text is the key of a message, or `topic` for all of it; the first place if absent. For channels that have no `key` of their own.',
      ),
    dedupeProperty: z
      .string()
      .min(1)
      .default('effectId')
      .describe('User property whose value says that two messages are the same; another hub writes `effectId`.'),
    keepAliveMs: z
      .int()
      .min(1_000)
      .max(65_535_000)
      .default(30_000)
      .describe(
        'Without a sign of life for one and a half times as long the connection counts as lost, on both sides.',
      ),
    connectTimeoutMs: z.int().min(100).default(10_000).describe('Time for a connection, TLS and login included.'),
  })
  .refine(
    ({ key, subscriptions }) => key === undefined || key === 'topic' || subscriptions.every(hasPlace(key)),
    'key is no place of every topic',
  );

/**
 * Reads topics of an MQTT 5 broker in a session that outlives its connection, and acknowledges each message (PUBACK) when it and all
 * before it have reached the channel's `ackAfter`: at least once, in order. The broker sends `receiveMaximum` messages at the most;
 * while the channel has no room it keeps the rest, up to limits of its own. Topic, QoS, properties and user properties are meta
 * (`mqtt.topic`, `mqtt.property.<name>`), and `mqtt.duplicate` says that the broker may have given a message out before.
 *
 * A message that the channel refuses is acknowledged: MQTT has no way to give one back, and the channel keeps it as an error. One that
 * the store cannot take waits here. One that was withdrawn because the channel was not done with it in time (`onUnsettled: reject`)
 * comes again, with what came after it, over a new connection after 5 s.
 */
export const mqtt = defineAdapter({
  type: 'mqtt',
  summary: 'Reads topics of an MQTT broker and acknowledges each message once it is stored or settled (MQTT 5).',
  produces: bytes,
  acknowledges: 'confirm',
  config,
  resources: ({ endpoint, clientId }) => (clientId === undefined ? [] : [`mqtt:${endpoint}/${clientId}`]),
  examples: [
    {
      title: 'Vital signs and alarms of bedside monitors, in order for each of them',
      config: {
        endpoint: 'ward',
        subscriptions: [{ topic: 'devices/{id}/vitals' }, { topic: 'devices/{id}/alerts' }],
      },
    },
    {
      title: 'Whether devices are there: their last state at once, and then each change',
      config: { endpoint: 'ward', subscriptions: [{ topic: 'devices/{id}/status' }], retained: 'take' },
    },
  ],
  create: mqttSource,
});

function hasPlace(key: string): (subscription: { readonly topic: string }) => boolean {
  return ({ topic }) => !isTopicPattern(topic) || topicPattern(topic).places.includes(key);
}

function whyNot(text: string): string {
  try {
    topicPattern(text);
    return 'a topic filter like devices/{id}/vitals';
  } catch (thrown) {
    return (thrown as Error).message;
  }
}
