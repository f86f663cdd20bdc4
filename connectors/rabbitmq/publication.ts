import type { Publication, PublicationOptions } from '../../clients/rabbitmq/publisher.ts';
import { HubError } from '../../core/errors.ts';
import type { Outgoing } from '../../core/message.ts';
import { messageTemplate, type Place } from '../../core/message-template.ts';
import type { RabbitDestinationConfig } from './config.ts';

const forwarded: readonly string[] = ['traceparent', 'tracestate'];
/** Length of a short string (AMQP 0-9-1 §4.2.5.3). */
const shortBytes = 255;

/**
 * Writes messages for the broker. The property `message_id` is the effect id: the same for every retry, another for a replay; the
 * header `messageId` is the message's own. Throws HubError `encode-failed`, permanent, where AMQP cannot hold what was filled in.
 */
export function publications(config: RabbitDestinationConfig): (message: Outgoing<unknown>) => Publication {
  const { persistent, mandatory, contentType, expirationMs } = config;
  const exchangeOf = messageTemplate(config.exchange);
  const routingKeyOf = messageTemplate(config.routingKey);
  const typeOf = config.type === undefined ? undefined : messageTemplate(config.type);
  const priorityOf = typeof config.priority === 'string' ? messageTemplate(config.priority) : undefined;
  const headersOf = Object.entries(config.headers).map(([name, text]) => [name, messageTemplate(text)] as const);
  const fixed: PublicationOptions = {
    persistent,
    mandatory,
    ...(contentType !== undefined && { contentType }),
    ...(expirationMs !== undefined && { expiration: String(expirationMs) }),
    ...(typeof config.priority === 'number' && { priority: config.priority }),
  };
  return (message) => {
    const headers = filled(headersOf, message);
    headers.messageId = message.id;
    headers.effectId = message.effectId;
    headers.channel = message.channel;
    for (const name of forwarded) if (message.meta[name] !== undefined) headers[name] = message.meta[name];
    const type = typeOf?.(message);
    return {
      id: message.effectId,
      exchange: short('exchange', exchangeOf(message)),
      routingKey: short('routingKey', routingKeyOf(message)),
      content: Buffer.from(message.bytes.buffer, message.bytes.byteOffset, message.bytes.byteLength),
      options: {
        ...fixed,
        messageId: short('message_id', message.effectId),
        // Seconds (AMQP 0-9-1 §4.2.5.4), the same for every retry.
        timestamp: Math.floor(message.receivedAt / 1000),
        headers,
        ...(type !== undefined && type !== '' && { type: short('type', type) }),
        ...(priorityOf && priority(priorityOf(message))),
      },
    };
  };
}

function filled(templates: readonly (readonly [string, Place])[], message: Outgoing<unknown>): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, textOf] of templates) {
    const text = textOf(message);
    if (text !== '') headers[name] = text;
  }
  return headers;
}

function priority(text: string): { readonly priority?: number } {
  if (text === '') return {};
  if (!/^\d{1,3}$/.test(text) || Number(text) > 255) throw failed('priority is no number from 0 to 255');
  return { priority: Number(text) };
}

function short(field: string, text: string): string {
  if (Buffer.byteLength(text) > shortBytes) throw failed(`${field} is longer than ${shortBytes} bytes`);
  return text;
}

function failed(what: string): HubError {
  return new HubError('encode-failed', 'permanent', `writing the message for RabbitMQ: ${what}`);
}
