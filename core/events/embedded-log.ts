import { setTimeout as sleep } from 'node:timers/promises';
import { asHubError, HubError } from '../errors.ts';
import { CallThread } from '../worker/call-thread.ts';
import type { RetryDelays } from './consumer-group.ts';
import { ConsumerGroups } from './consumer-groups.ts';
import type { ReadEvents, ReaderCalls, TopicRow, WriterCalls } from './embedded/calls.ts';
import { CommitQueue } from './embedded/commit-queue.ts';
import { lostError } from './embedded/errors.ts';
import type { EventLog, StoredEvent } from './event-log.ts';
import type { PartitionSource } from './partition-source.ts';

export interface EmbeddedLogOptions {
  /** Created when missing. Holds `events.sqlite`, its write-ahead log and `events.lock`. */
  readonly directory: string;
  /** Milliseconds since the epoch: stamps events and decides what is past its retention. */
  readonly now: () => number;
  /** Hears of failures that the log tries again by itself: reading, committing offsets, expiring events. Must not throw. */
  readonly onError: (error: HubError) => void;
  /** Pauses after a rejected handler or a failed read; 100 ms doubling to 30 s if not given. */
  readonly retry?: RetryDelays;
  /** How often events past their retention are looked for; once a minute if not given. */
  readonly expireEveryMs?: number;
}

export interface EmbeddedLog extends EventLog {
  /**
   * Resolves when a thread of the log has ended by itself, with the error that every call rejects with from then on: nothing but
   * opening the log again helps. Never resolves otherwise.
   */
  readonly failed: Promise<HubError>;
}

const writerModule = new URL('./embedded/writer-thread.ts', import.meta.url);
const readerModule = new URL('./embedded/reader-thread.ts', import.meta.url);

/** A read ends with the event that reaches this many bytes, however many events a consumer takes. */
const readBytes = 4 * 1024 * 1024;
/** Events deleted in one transaction: about 5 ms, so that a publish does not wait behind a large deletion. */
const expireStep = 500;

/**
 * Opens the event log in a directory of this machine: SQLite (WAL, synchronous=FULL) with one thread that writes and one that
 * reads, so that neither an fsync nor a consumer that catches up stops the event loop or the other. Its consumers live in this
 * process. Throws HubError `store-locked` while another log has the directory open, `event-log-failed` when it cannot be opened.
 */
export async function openEmbeddedLog(options: EmbeddedLogOptions): Promise<EmbeddedLog> {
  const { directory, now, onError, retry = { firstMs: 100, maxMs: 30_000 }, expireEveryMs = 60_000 } = options;
  const writer = new CallThread<WriterCalls>(writerModule, { name: 'event-log-writer' }, lostError);
  const readerLost = Promise.withResolvers<HubError>();
  let reading: Promise<CallThread<ReaderCalls>> | undefined;
  const topics = new Map<string, TopicRow>();
  /** One past the last durable event, and whose it is, by stream. */
  const streams: { readonly topic: string; readonly partition: number; end: number }[] = [];

  /** A log that nobody reads does without the thread, and 25 MB less memory. */
  function reader(): Promise<CallThread<ReaderCalls>> {
    reading ??= openReader().catch((thrown) => {
      reading = undefined;
      throw thrown;
    });
    return reading;
  }

  async function openReader(): Promise<CallThread<ReaderCalls>> {
    const thread = new CallThread<ReaderCalls>(readerModule, { name: 'event-log-reader' }, lostError);
    try {
      await thread.call('open', directory);
    } catch (thrown) {
      await thread.terminate();
      throw thrown;
    }
    void thread.lost.then(readerLost.resolve);
    return thread;
  }

  function learn(row: TopicRow): void {
    topics.set(row.name, row);
    for (const [partition, end] of row.ends.entries()) {
      const stream = row.firstStream + partition;
      streams[stream] ??= { topic: row.name, partition, end };
    }
  }

  function topicOf(name: string): TopicRow {
    const topic = topics.get(name);
    if (!topic) throw new HubError('not-found', 'permanent', `looking up topic ${name}: it was never declared`);
    return topic;
  }

  try {
    for (const row of await writer.call('open', directory)) learn(row);
  } catch (thrown) {
    await writer.terminate();
    throw thrown;
  }

  const commits = new CommitQueue(writer, now, (ends) => {
    for (const { stream, next } of ends) {
      const grown = streams[stream]!;
      grown.end = next;
      groups.appended(grown.topic, grown.partition);
    }
  });

  const source: PartitionSource = {
    async start(topic, group, from) {
      topicOf(topic);
      return await writer.call('start', { group, topic, from });
    },
    end: (topic, partition) => streams[topicOf(topic).firstStream + partition]!.end,
    async read(topic, partition, from, limit) {
      const stream = topicOf(topic).firstStream + partition;
      return eventsOf(
        topic,
        partition,
        await (await reader()).call('read', { stream, from, limit, maxBytes: readBytes }),
      );
    },
    commit: (topic, group, partition, next) =>
      commits.commitPosition({ group, stream: topicOf(topic).firstStream + partition, next }),
  };
  const groups = new ConsumerGroups(source, retry, onError);

  const closing = new AbortController();
  const expiring = expireUntilClosed();

  async function expireUntilClosed(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        await sleep(expireEveryMs, undefined, { signal: closing.signal, ref: false });
        for (const row of topics.values()) await expireTopic(row);
      } catch (thrown) {
        if (closing.signal.aborted) return;
        onError(asHubError(thrown, 'event-log-failed', 'expiring events', 'transient'));
      }
    }
  }

  async function expireTopic({ firstStream, partitions, retentionMs }: TopicRow): Promise<void> {
    for (let stream = firstStream; stream < firstStream + partitions; stream++) {
      let deleted = expireStep;
      while (deleted === expireStep && !closing.signal.aborted)
        deleted = await writer.call('expire', { stream, before: now() - retentionMs, limit: expireStep });
    }
  }

  return {
    failed: Promise.race([writer.lost, readerLost.promise]),
    async declare({ name, partitions, retentionMs }) {
      learn(await writer.call('declare', { name, partitions, retentionMs }));
    },
    async publish(topic, events) {
      const row = topicOf(topic);
      if (closing.signal.aborted)
        throw new HubError('event-log-failed', 'permanent', `publishing to ${topic}: the event log is closed`);
      if (events.length > 0) await commits.publish(row, events);
    },
    consume: (consumeOptions, handler) => groups.consume(consumeOptions, handler),
    status: async () => (await reader()).call('status', undefined),
    async [Symbol.asyncDispose]() {
      if (closing.signal.aborted) return;
      closing.abort();
      await groups.close();
      await commits.drain();
      await expiring;
      await (await reading?.catch(() => undefined))?.close();
      await writer.close();
    },
  };
}

function eventsOf(topic: string, partition: number, read: ReadEvents): readonly StoredEvent[] {
  return read.offsets.map((offset, index) => {
    const begin = index === 0 ? 0 : read.valueEnds[index - 1]!;
    const headers = read.headers[index]!;
    return {
      topic,
      partition,
      offset,
      at: read.at[index]!,
      key: read.keys[index]!,
      id: read.ids[index]!,
      headers: headers === '' ? {} : JSON.parse(headers),
      value: new Uint8Array(read.bytes, begin, read.valueEnds[index]! - begin),
    };
  });
}
