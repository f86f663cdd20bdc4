import { z } from 'zod';
import { topology } from '../../clients/rabbitmq/topology.ts';
import { defineAdapter } from '../../core/define.ts';
import { endpointName } from '../../core/endpoint-name.ts';
import { bytes } from '../../core/format.ts';
import { rabbitSource } from './source.ts';

const config = z.strictObject({
  endpoint: endpointName('rabbitmq').describe('Name of the rabbitmq endpoint in the environment file.'),
  queue: z.string().min(1).max(255).describe('Name of the queue that is read.'),
  prefetch: z
    .int()
    .min(1)
    .max(65_535)
    .default(200)
    .describe(
      'Messages that may be here without an answer. A small number lets those of a high priority pass by sooner; times the broker’s max_message_size it bounds the memory.',
    ),
  key: z
    .union([
      z.literal('routingKey'),
      z.strictObject({ header: z.string().min(1).describe('Header whose value is the key.') }),
    ])
    .optional()
    .describe('Where the key of a message comes from, for channels that have no `key` of their own.'),
  dedupeHeader: z
    .string()
    .min(1)
    .optional()
    .describe('Header whose value says that two messages are the same; the property `message_id` if absent.'),
  refused: z
    .enum(['reject', 'ack'])
    .default('reject')
    .describe(
      'What a message gets that the channel refuses and keeps as an error: `reject` gives it to the dead-letter exchange of its queue, too, if that has one; `ack` leaves it to the channel alone.',
    ),
  declare: topology
    .optional()
    .describe('Exchanges, queues and bindings that are made where they are missing; by somebody else if absent.'),
  connectTimeoutMs: z.int().min(100).default(10_000).describe('Time for a connection, TLS and login included.'),
});

/**
 * Reads a queue of RabbitMQ (AMQP 0-9-1) and acknowledges each message by itself when it has reached the channel's `ackAfter`: at
 * least once. The broker hands over `prefetch` messages at the most; while the channel has no room it keeps the rest. The key is the
 * routing key or a header, where that is wanted; routing key, exchange, properties and headers are meta (`rabbitmq.routingKey`,
 * `rabbitmq.header.<name>`), and `rabbitmq.redelivered` says that the broker has given a message out before.
 *
 * AMQP has no place for a reason in a refusal: the dead-letter exchange gets the message as it was, with `rejected` in `x-death`; why
 * is with the message here, found by its `message_id`. A message that the store cannot take waits here, unanswered. One that was
 * withdrawn because the channel was not done with it in time (`onUnsettled: reject`) goes back to its queue after 5 s.
 */
export const rabbitmq = defineAdapter({
  type: 'rabbitmq',
  summary: 'Reads a queue of RabbitMQ and acknowledges each message once it is stored or settled (AMQP 0-9-1).',
  produces: bytes,
  acknowledges: 'confirm',
  config,
  examples: [
    {
      title: 'Tasks from a queue that somebody else has made',
      config: { endpoint: 'tasks', queue: 'print-labels' },
    },
    {
      title: 'A quorum queue with its dead letters, read by one hub at a time, in order for each patient',
      config: {
        endpoint: 'tasks',
        queue: 'phoning',
        key: { header: 'patient' },
        declare: {
          exchanges: { results: { type: 'topic' }, 'phoning-dead': { type: 'fanout' } },
          queues: {
            phoning: { deadLetterExchange: 'phoning-dead', arguments: { 'x-single-active-consumer': true } },
            'phoning-dead': {},
          },
          bindings: [
            { exchange: 'results', queue: 'phoning', routingKey: 'lab.*.critical' },
            { exchange: 'phoning-dead', queue: 'phoning-dead' },
          ],
        },
      },
    },
    {
      title: 'A priority queue: few at a time, so that an urgent one does not wait behind many',
      config: {
        endpoint: 'tasks',
        queue: 'tubes',
        prefetch: 5,
        declare: { queues: { tubes: { type: 'classic', maxPriority: 3 } } },
      },
    },
  ],
  create: rabbitSource,
});
