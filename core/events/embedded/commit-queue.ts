import { HubError } from '../../errors.ts';
import type { CallThread } from '../../worker/call-thread.ts';
import type { NewEvent } from '../event-log.ts';
import { partitionOf } from '../partition.ts';
import type { CommitBatch, GroupPosition, StreamEnd, TopicRow, WriterCalls } from './calls.ts';

interface Waiting {
  readonly events: readonly NewEvent[];
  /** Of each event: its stream, and its headers as JSON. */
  readonly streams: readonly number[];
  readonly headers: readonly string[];
  readonly bytes: number;
  readonly done: PromiseWithResolvers<void>;
}

/** One commit takes at most this much, so that a burst does not become one long transaction; a larger publish goes alone. */
const maxEvents = 4096;
const maxBytes = 8 * 1024 * 1024;
/** Well below SQLite's limit of 10^9, which would fail the whole commit and with it the publishes of others. */
const maxValueBytes = 256 * 1024 * 1024;

/**
 * Group commit: while the writer is busy with one transaction, everything that is published meanwhile gathers here and becomes
 * the next one, so that one fsync serves them all. What waits is held by its callers anyway; their awaits bound it.
 */
export class CommitQueue {
  readonly #writer: CallThread<WriterCalls>;
  readonly #now: () => number;
  readonly #onGrown: (ends: readonly StreamEnd[]) => void;
  #publishes: Waiting[] = [];
  #positions = new Map<string, GroupPosition>();
  #positionsDone = Promise.withResolvers<void>();
  #running: Promise<void> | undefined;

  /** `onGrown` hears the new ends of streams before those who published to them do. */
  constructor(writer: CallThread<WriterCalls>, now: () => number, onGrown: (ends: readonly StreamEnd[]) => void) {
    this.#writer = writer;
    this.#now = now;
    this.#onGrown = onGrown;
  }

  /** Resolves when all the events are durable. What is wrong with one publish is found here, where it fails no other. */
  async publish(topic: TopicRow, events: readonly NewEvent[]): Promise<void> {
    let bytes = 0;
    for (const { id, value } of events) {
      if (value.length > maxValueBytes)
        throw new HubError('event-log-failed', 'permanent', `publishing ${id}: its ${value.length} bytes are too many`);
      bytes += value.length;
    }
    const streams = events.map(({ key }) => topic.firstStream + partitionOf(key, topic.partitions));
    const headers = events.map((event) => jsonOf(event.headers));
    const done = Promise.withResolvers<void>();
    this.#publishes.push({ events, streams, headers, bytes, done });
    this.#running ??= this.#run();
    await done.promise;
  }

  /** Resolves when the position is durable; a later position of the same group and stream may take its place before that. */
  commitPosition(position: GroupPosition): Promise<void> {
    this.#positions.set(`${position.stream} ${position.group}`, position);
    const { promise } = this.#positionsDone;
    this.#running ??= this.#run();
    return promise;
  }

  /** Resolves when nothing waits any more. */
  async drain(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    await undefined; // what else is published in this turn of the event loop comes along
    while (this.#publishes.length > 0 || this.#positions.size > 0) {
      const publishes = this.#takePublishes();
      const positions = [...this.#positions.values()];
      const positionsDone = this.#positionsDone;
      this.#positions = new Map();
      this.#positionsDone = Promise.withResolvers();
      try {
        const batch = batchOf(publishes, positions, this.#now());
        this.#onGrown(await this.#writer.call('commit', batch, [batch.bytes]));
        for (const { done } of publishes) done.resolve();
        positionsDone.resolve();
      } catch (thrown) {
        for (const { done } of publishes) done.reject(thrown);
        if (positions.length > 0) positionsDone.reject(thrown);
      }
    }
    this.#running = undefined;
  }

  #takePublishes(): readonly Waiting[] {
    let events = 0;
    let bytes = 0;
    let count = 0;
    for (const waiting of this.#publishes) {
      events += waiting.events.length;
      bytes += waiting.bytes;
      if (count > 0 && (events > maxEvents || bytes > maxBytes)) break;
      count++;
    }
    return this.#publishes.splice(0, count);
  }
}

/** Copies the values once, into the one buffer that is handed to the writer. */
function batchOf(publishes: readonly Waiting[], positions: readonly GroupPosition[], at: number): CommitBatch {
  const streams: number[] = [];
  const keys: string[] = [];
  const ids: string[] = [];
  const headers: string[] = [];
  const valueEnds: number[] = [];
  let size = 0;
  for (const publish of publishes)
    for (const [index, { key, id, value }] of publish.events.entries()) {
      streams.push(publish.streams[index]!);
      headers.push(publish.headers[index]!);
      keys.push(key);
      ids.push(id);
      valueEnds.push((size += value.length));
    }
  const bytes = new Uint8Array(size);
  let index = 0;
  for (const { events } of publishes)
    for (const { value } of events) bytes.set(value, valueEnds[index++]! - value.length);
  return { at, streams, keys, ids, headers, valueEnds, positions, bytes: bytes.buffer };
}

function jsonOf(headers: NewEvent['headers']): string {
  const json = JSON.stringify(headers);
  return json === '{}' ? '' : json;
}
