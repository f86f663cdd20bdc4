import { headerName, type ReadRecord } from '../../../clients/kafka/read-record.ts';
import { type PreparedRecord, prepared } from '../../../clients/kafka/record.ts';
import type { NewEvent, StoredEvent } from '../../../core/events/event-log.ts';

/** Headers of our own. A header of an event that is called so gives way. */
const effectId = 'effectId';
const schema = 'schema';

/** An event as a record: its key decides its partition, its id is the header `effectId`, its topic the header `schema`. */
export function recordOf(topic: string, wireTopic: string, event: NewEvent): PreparedRecord {
  return prepared({
    topic: wireTopic,
    key: Buffer.from(event.key),
    value: event.value,
    headers: { ...event.headers, [schema]: event.headers[schema] ?? topic, [effectId]: event.id },
  });
}

/**
 * A record as an event. One that somebody else has written, without the header `effectId`, gets its place for an id: it is the same
 * each time it is read.
 */
export function eventOf(topic: string, record: ReadRecord): StoredEvent {
  const { partition, offset, at, key, value } = record;
  const headers: Record<string, string> = {};
  let id: string | undefined;
  for (const [field, given] of record.headers) {
    const name = headerName(field);
    const text = given?.toString() ?? '';
    if (name === effectId) id = text;
    else if (name !== schema || text !== topic) headers[name] = text;
  }
  id ??= `${topic}/${partition}/${offset}`;
  return { topic, partition, offset, at, key: key?.toString() ?? '', value: value ?? nothing, id, headers };
}

const nothing = new Uint8Array(0);
