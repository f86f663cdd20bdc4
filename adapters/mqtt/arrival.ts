import type { Received } from '../../clients/mqtt/subscription.ts';
import type { TopicPattern } from '../../clients/mqtt/topic-pattern.ts';
import type { Arrival } from '../../core/message.ts';

export interface ArrivalOptions {
  readonly key?: string | undefined;
  readonly dedupeProperty: string;
}

/** User properties that mean the same everywhere: the trace that a message belongs to. */
const passedOn: readonly string[] = ['traceparent', 'tracestate'];

/**
 * The message as it came, with its topic, properties and user properties in meta; undefined where no pattern is that of its topic.
 * `mqtt.retained` is what the broker had kept for new readers: a state, not a sample.
 */
export function arrivalOf(
  { packet }: Received,
  patterns: readonly TopicPattern[],
  { key: wanted, dedupeProperty }: ArrivalOptions,
): Arrival | undefined {
  const { topic, payload, qos, retain, dup, properties = {} } = packet;
  const found = matching(patterns, topic);
  if (!found) return undefined;
  const { pattern, places } = found;
  const meta: Record<string, string> = { 'mqtt.topic': topic, 'mqtt.qos': String(qos) };
  if (retain) meta['mqtt.retained'] = 'true';
  if (dup) meta['mqtt.duplicate'] = 'true';
  for (const name of pattern.places) meta[`mqtt.topic.${name}`] = places[name] ?? '';
  const { contentType, responseTopic, correlationData, messageExpiryInterval, userProperties = {} } = properties;
  if (contentType) meta['mqtt.contentType'] = contentType;
  if (responseTopic) meta['mqtt.responseTopic'] = responseTopic;
  if (correlationData) meta['mqtt.correlationData'] = correlationData.toString('base64');
  if (messageExpiryInterval !== undefined) meta['mqtt.expirySeconds'] = String(messageExpiryInterval);
  let dedupeKey: string | undefined;
  for (const [name, value] of Object.entries(userProperties)) {
    // Of a name that is there several times the last one counts.
    const text = typeof value === 'string' ? value : (value.at(-1) ?? '');
    meta[passedOn.includes(name) ? name : `mqtt.property.${name}`] = text;
    if (name === dedupeProperty) dedupeKey = text;
  }
  const place = wanted ?? pattern.places[0];
  const key = place === 'topic' ? topic : place === undefined ? undefined : places[place];
  return {
    raw: typeof payload === 'string' ? Buffer.from(payload) : payload,
    meta,
    ...(key !== undefined && key !== '' && { key }),
    ...(dedupeKey !== undefined && dedupeKey !== '' && { dedupeKey }),
  };
}

function matching(patterns: readonly TopicPattern[], topic: string) {
  for (const pattern of patterns) {
    const places = pattern.match(topic);
    if (places) return { pattern, places };
  }
  return undefined;
}
