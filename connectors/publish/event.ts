import type { NewEvent } from '../../core/events/event-log.ts';
import type { Meta } from '../../core/format.ts';
import type { Outgoing } from '../../core/message.ts';

/** What of a message's meta goes on with its events. A closed list: steps may put anything into meta, a patient's name too. */
const forwarded: readonly string[] = [
  'traceparent',
  'tracestate',
  'hl7.controlId',
  'hl7.type',
  'hl7.version',
  'hl7.charset',
];

/**
 * Adds the message's events to `events`: one under each of its keys, with one id, so that a merge reaches the readers of both
 * patients in order and still acts once (rule 31).
 */
export function eventsOf(message: Outgoing<unknown>, contentType: string | undefined, events: NewEvent[]): void {
  const headers = headersOf(message, contentType);
  for (const key of new Set(message.keys)) events.push({ key, value: message.bytes, id: message.effectId, headers });
}

function headersOf(message: Outgoing<unknown>, contentType: string | undefined): Meta {
  const headers: Record<string, string> = { messageId: message.id, channel: message.channel };
  if (contentType !== undefined) headers.contentType = contentType;
  for (const name of forwarded) {
    const value = message.meta[name];
    if (value !== undefined) headers[name] = value;
  }
  return headers;
}
