import type { ConsumeMessage } from '../../clients/rabbitmq/subscription.ts';
import type { Arrival } from '../../core/message.ts';

export interface ArrivalOptions {
  readonly key?: 'routingKey' | { readonly header: string } | undefined;
  readonly dedupeHeader?: string | undefined;
}

/** Headers that mean the same everywhere: the trace that a message belongs to. */
const passedOn: readonly string[] = ['traceparent', 'tracestate'];

/** The message as it came, with where it came from, its properties and its headers in meta. */
export function arrivalOf({ content, fields, properties }: ConsumeMessage, options: ArrivalOptions): Arrival {
  const meta: Record<string, string> = {
    'rabbitmq.exchange': fields.exchange,
    'rabbitmq.routingKey': fields.routingKey,
  };
  if (fields.redelivered) meta['rabbitmq.redelivered'] = 'true';
  for (const [name, property] of texts) {
    const value: unknown = properties[property];
    if (value !== undefined && value !== '') meta[`rabbitmq.${name}`] = String(value);
  }
  const { timestamp } = properties as { readonly timestamp: unknown };
  if (typeof timestamp === 'number' && Math.abs(timestamp) < 8.64e12)
    meta['rabbitmq.timestamp'] = new Date(timestamp * 1000).toISOString();
  const headers = new Map<string, string>();
  for (const [name, value] of Object.entries(properties.headers ?? {})) {
    const text = headerText(value);
    headers.set(name, text);
    meta[passedOn.includes(name) ? name : `rabbitmq.header.${name}`] = text;
  }
  const key = keyOf(fields.routingKey, headers, options.key);
  const sent = options.dedupeHeader === undefined ? meta['rabbitmq.messageId'] : headers.get(options.dedupeHeader);
  return {
    raw: content,
    meta,
    ...(key !== undefined && key !== '' && { key }),
    ...(sent !== undefined && sent !== '' && { dedupeKey: sent }),
  };
}

const texts = [
  ['messageId', 'messageId'],
  ['correlationId', 'correlationId'],
  ['replyTo', 'replyTo'],
  ['type', 'type'],
  ['appId', 'appId'],
  ['contentType', 'contentType'],
  ['contentEncoding', 'contentEncoding'],
  ['priority', 'priority'],
] as const;

function keyOf(
  routingKey: string,
  headers: ReadonlyMap<string, string>,
  key: ArrivalOptions['key'],
): string | undefined {
  if (key === undefined) return undefined;
  return key === 'routingKey' ? routingKey : headers.get(key.header);
}

/** A text or number as it is; a table, such as `x-death`, as JSON. */
function headerText(value: unknown): string {
  if (Buffer.isBuffer(value)) return value.toString();
  if (typeof value === 'object' && value !== null) return JSON.stringify(value);
  return String(value);
}
