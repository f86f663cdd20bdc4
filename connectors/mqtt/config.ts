import { z } from 'zod';
import { mqttTextFault } from '../../clients/mqtt/text.ts';
import { endpointName } from '../../core/endpoint-name.ts';
import { isMessageTemplate, withoutPlaces } from '../../core/message-template.ts';

const places = 'messageId, n, destination, effectId, channel, seq, key, meta.<name>';
const template = () => z.string().refine(isMessageTemplate, `a text with places like \${key}: ${places}`);
const isTopic = (text: string) => text !== '' && !/[+#]/.test(text) && mqttTextFault(text) === undefined;

const status = z.strictObject({
  topic: z
    .string()
    .refine(isTopic, 'a topic without + and #')
    .describe('Topic that says, retained, whether the hub is there: `hubs/ward-3/status`.'),
  online: z.string().default('online').describe('What is published when the connection is made.'),
  offline: z
    .string()
    .default('offline')
    .describe('What is published at an orderly end and, by the broker, as last will.'),
  willDelayMs: z
    .int()
    .min(0)
    .max(86_400_000)
    .default(5_000)
    .describe('A connection that is back within this time was never away: the broker keeps the last will for so long.'),
});

/** What a channel says of an MQTT destination. */
export const config = z.strictObject({
  endpoint: endpointName('mqtt').describe('Name of the mqtt endpoint in the environment file.'),
  topic: template()
    .refine(
      (text) => text !== '' && (isTopic(withoutPlaces(text)) || withoutPlaces(text) === ''),
      'a topic without + and #',
    )
    .describe(`Topic of a message, with places that are filled in: ${places}, as in \`devices/\${key}/orders\`.`),
  retain: z
    .boolean()
    .default(false)
    .describe(
      'The broker keeps the last message of each topic for whoever subscribes later: for states, not for samples.',
    ),
  expiryMs: z
    .int()
    .min(1_000)
    .max(4_294_967_295_000)
    .optional()
    .describe('A message that waits at the broker for longer expires there; it waits for ever if absent.'),
  contentType: z.string().min(1).max(255).optional().describe('Content type of the message; none if absent.'),
  properties: z
    .record(z.string().min(1).max(255), template())
    .default({})
    .describe('User properties beside those of our own, with the places of topic; one that is empty is left out.'),
  mandatory: z
    .boolean()
    .default(false)
    .describe('`true`: a message that nobody has subscribed to is an error, where the broker says so.'),
  clientId: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .describe(
      'Name of the client at the broker, which nobody else may have; `weir-`, channel and destination if absent.',
    ),
  status: status.optional().describe('A topic that says whether the hub is there, with a last will; none if absent.'),
  inFlight: z
    .int()
    .min(1)
    .max(65_535)
    .default(200)
    .describe('Messages on their way at once, at the most; fewer where the broker takes fewer (Receive Maximum).'),
  keepAliveMs: z
    .int()
    .min(1_000)
    .max(65_535_000)
    .default(30_000)
    .describe('Without a sign of life for one and a half times as long the connection counts as lost, on both sides.'),
  connectTimeoutMs: z.int().min(100).default(10_000).describe('Time for a connection, TLS and login included.'),
  confirmTimeoutMs: z
    .int()
    .min(100)
    .default(10_000)
    .describe(
      'Time in which the broker has to acknowledge something; else what is open is written again over another connection.',
    ),
});

export type MqttDestinationConfig = ReturnType<typeof config.parse>;
