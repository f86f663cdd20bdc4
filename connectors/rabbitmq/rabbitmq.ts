import { defineConnector } from '../../core/define.ts';
import { config } from './config.ts';
import { RabbitDestination } from './rabbitmq-destination.ts';

/**
 * Publishes to an exchange of RabbitMQ (AMQP 0-9-1). A message counts as sent when the broker has confirmed it: for a persistent one
 * in a durable queue that is after it is on disk. The messages of a batch go together, never two of one key, so that the order of a
 * key holds whatever becomes of the others. Its property `message_id` is the effect id, by which whoever reads it knows one that
 * comes a second time; it has the headers `messageId`, `effectId` and `channel`, and the trace of its message.
 */
export const rabbitmq = defineConnector({
  type: 'rabbitmq',
  summary: 'Publishes each message to an exchange of RabbitMQ, confirmed by the broker (AMQP 0-9-1).',
  accepts: 'any',
  batching: 'independent',
  effect: 'atLeastOnce',
  maxBatch: 500,
  config,
  examples: [
    {
      title: 'Orders as tasks for a queue that somebody else has made',
      config: { endpoint: 'tasks', routingKey: 'print-labels', contentType: 'application/hl7-v2' },
    },
    {
      title: 'Results by type, urgent ones first, with a quorum queue and its dead letters',
      config: {
        endpoint: 'tasks',
        exchange: 'results',
        routingKey: 'lab.${meta.hl7.type}',
        headers: { 'control-id': '${meta.hl7.controlId}' },
        declare: {
          exchanges: { results: { type: 'topic' }, 'results-dead': { type: 'fanout' } },
          queues: { phoning: { deadLetterExchange: 'results-dead' }, 'phoning-dead': {} },
          bindings: [
            { exchange: 'results', queue: 'phoning', routingKey: 'lab.#' },
            { exchange: 'results-dead', queue: 'phoning-dead' },
          ],
        },
      },
    },
    {
      title: 'A priority queue: what the message brings decides how urgent it is',
      config: {
        endpoint: 'tasks',
        routingKey: 'tubes',
        priority: '${meta.priority}',
        declare: { queues: { tubes: { type: 'classic', maxPriority: 3 } } },
      },
    },
  ],
  create: (settings, context) => new RabbitDestination(settings, context),
});
