import { defineConnector } from '../../core/define.ts';
import { config } from './config.ts';
import { KafkaDestination } from './kafka-destination.ts';

/**
 * Writes to topics of a Kafka cluster that belongs to somebody else; the hub’s own are written with `publish`. Each message is one
 * record, confirmed by all in-sync replicas (acks=all) before it counts as sent, its key on the partition where the Java client puts
 * it. A request that is repeated has one effect; a message that is sent again after an outcome that nobody knows is another record
 * with the same header `effectId`. Every record has the headers `messageId`, `effectId` and `channel`, and the trace of its message.
 */
export const kafka = defineConnector({
  type: 'kafka',
  summary: 'Writes each message to a topic of a Kafka cluster, confirmed by all in-sync replicas.',
  accepts: 'any',
  batching: 'prefix',
  effect: 'atLeastOnce',
  maxBatch: 500,
  config,
  examples: [
    {
      title: 'Results to the cluster of the region, in order for each patient',
      config: { endpoint: 'region-kafka', topic: 'region.lab-results', contentType: 'application/hl7-v2' },
    },
    {
      title: 'A topic for each type of message, the control id as the key and as a header',
      config: {
        endpoint: 'region-kafka',
        topic: 'adt.${meta.hl7.type}',
        key: '${meta.hl7.controlId}',
        headers: { 'control-id': '${meta.hl7.controlId}', source: 'main hospital' },
      },
    },
  ],
  create: (settings, context) => new KafkaDestination(settings, context),
});
