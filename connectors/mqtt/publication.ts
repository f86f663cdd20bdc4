import type { Publication } from '../../clients/mqtt/publisher.ts';
import { mqttTextFault } from '../../clients/mqtt/text.ts';
import { HubError } from '../../core/errors.ts';
import type { Outgoing } from '../../core/message.ts';
import { messageTemplate } from '../../core/message-template.ts';
import type { MqttDestinationConfig } from './config.ts';

const forwarded: readonly string[] = ['traceparent', 'tracestate'];

/**
 * Writes messages for the broker. The user property `effectId` is the same for every retry, another for a replay; `messageId` is the
 * message's own. Throws HubError `encode-failed`, permanent, where MQTT cannot hold what was filled in.
 */
export function publications(config: MqttDestinationConfig): (message: Outgoing<unknown>) => Publication {
  const { retain, contentType, expiryMs } = config;
  const topicOf = messageTemplate(config.topic);
  const more = Object.entries(config.properties).map(([name, text]) => [name, messageTemplate(text)] as const);
  return (message) => {
    const userProperties: Record<string, string> = {};
    for (const [name, textOf] of more) {
      const text = textOf(message);
      if (text !== '') userProperties[name] = allowed(`the property ${name}`, text);
    }
    userProperties.messageId = message.id;
    userProperties.effectId = allowed('the effect id', message.effectId);
    userProperties.channel = allowed('the channel', message.channel);
    for (const name of forwarded)
      if (message.meta[name] !== undefined) userProperties[name] = allowed(name, message.meta[name]);
    return {
      id: message.effectId,
      topic: topic(topicOf(message)),
      payload: Buffer.from(message.bytes.buffer, message.bytes.byteOffset, message.bytes.byteLength),
      retain,
      properties: {
        ...(contentType !== undefined && { contentType }),
        ...(expiryMs !== undefined && { messageExpiryInterval: Math.ceil(expiryMs / 1000) }),
        userProperties,
      },
    };
  };
}

function topic(text: string): string {
  if (text === '') throw failed('its topic is empty');
  if (/[+#]/.test(text)) throw failed('its topic holds + or #');
  return allowed('its topic', text);
}

function allowed(what: string, text: string): string {
  const fault = mqttTextFault(text);
  if (fault !== undefined) throw failed(`${what} ${fault}`);
  return text;
}

function failed(what: string): HubError {
  return new HubError('encode-failed', 'permanent', `writing the message for MQTT: ${what}`);
}
