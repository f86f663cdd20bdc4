import { defineConnector } from '../../core/define.ts';
import { config } from './config.ts';
import { MqttDestination } from './mqtt-destination.ts';

/**
 * Publishes to an MQTT 5 broker with QoS 1. A message counts as sent when the broker has acknowledged it (PUBACK); whether it is on
 * disk there then is the broker's setting. The messages of a batch go together, never two of one key, so that the order of a key
 * holds whatever becomes of the others. The user property `effectId` is the same for every retry: whoever reads a message knows by it
 * one that comes a second time. It has `messageId` and `channel`, too, and the trace of its message.
 *
 * With `status` the connection is kept whether messages come or not: a retained topic says `online`, and `offline` after an orderly
 * end or, as last will, when the connection was lost for longer than `willDelayMs`.
 */
export const mqtt = defineConnector({
  type: 'mqtt',
  summary: 'Publishes each message to a topic of an MQTT broker with QoS 1, acknowledged by the broker (MQTT 5).',
  accepts: 'any',
  batching: 'independent',
  effect: 'atLeastOnce',
  maxBatch: 500,
  config,
  resources: ({ endpoint, clientId }) => (clientId === undefined ? [] : [`mqtt:${endpoint}/${clientId}`]),
  examples: [
    {
      title: 'Orders for devices, which expire when a device is away for an hour',
      config: {
        endpoint: 'ward',
        topic: 'devices/${key}/orders',
        expiryMs: 3_600_000,
        contentType: 'application/json',
      },
    },
    {
      title: 'The last state of each bed for every display, and whether the hub is there',
      config: {
        endpoint: 'ward',
        topic: 'beds/${key}/state',
        retain: true,
        status: { topic: 'hubs/ward-3/status' },
      },
    },
  ],
  create: (settings, context) => new MqttDestination(settings, context),
});
