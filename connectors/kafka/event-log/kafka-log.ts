import { setTimeout as sleep } from 'node:timers/promises';
import { askSilentLast, clientOptions, kafkaDriver } from '../../../clients/kafka/connection.ts';
import { partitionsOf } from '../../../clients/kafka/describe-topics.ts';
import { kafkaError } from '../../../clients/kafka/errors.ts';
import { readGroup } from '../../../clients/kafka/group-reader.ts';
import type { Pauses } from '../../../clients/kafka/lane.ts';
import { SendQueue } from '../../../clients/kafka/send-queue.ts';
import type { EndpointOf } from '../../../core/endpoint.ts';
import { HubError } from '../../../core/errors.ts';
import type { EventLog, LeasedPublisher, NewEvent } from '../../../core/events/event-log.ts';
import { settingAside } from './dead-letters.ts';
import { eventOf, recordOf } from './event-record.ts';
import { statusOf, wireGroup } from './status.ts';
import { declareTopic } from './topics.ts';

export interface KafkaLogOptions {
  readonly endpoint: EndpointOf<'kafka'>;
  /** How the brokers name this hub in their logs; `weir` if not given. */
  readonly clientId?: string;
  /** What the names of our topics and groups begin with at the brokers; nothing if not given. */
  readonly prefix?: string;
  /** Replicas of a topic that is made here; as many as the brokers make by themselves if not given. */
  readonly replication?: number;
  /**
   * Stable over the lives of whoever holds one lease: the log that was opened last with it is the one that may write. From its first
   * event to a partition on, those that were opened before are refused there with `not-allowed`.
   */
  readonly transactionalId?: string;
  /** Where events go that their handler rejects for good, as the ending of the topic’s name; they come again for ever if not given. */
  readonly deadLetterSuffix?: string;
  /** The longest event, 64 MiB if not given. The topics made here take it; others as their settings say. */
  readonly maxEventBytes?: number;
  /** Events that the brokers have not confirmed for so long are given up, and `publish` rejects; 30 s if not given. */
  readonly deliveryTimeoutMs?: number;
  /** A consumer of which the brokers hear nothing for so long is dead; 10 s if not given. Heartbeats are a tenth of it apart. */
  readonly sessionTimeoutMs?: number;
  /** How long the other members of a group wait for a handler when partitions move; 5 minutes if not given. */
  readonly rebalanceTimeoutMs?: number;
  /** Pauses after a rejected handler; 100 ms doubling to 30 s if not given. */
  readonly retry?: Pauses;
  /** Hears of failures that the log tries again by itself. Must not throw. */
  readonly onError: (error: HubError) => void;
  /** Hears what was changed at the brokers, or could not be. Must not throw. */
  readonly onNotice: (text: string) => void;
}

const longestEventBytes = 64 * 1024 * 1024;
/** Framing, key and headers of an event of that length. */
const framingBytes = 1024 * 1024;
const closeMs = 5000;
const longestPauseMs = 2000;

/**
 * The event log on Kafka. It connects when it is first used: a hub starts while the brokers are away. Two things differ from a log of
 * one file. `publish` is all or none for what can be known before (sizes, topics), but where brokers fail while it goes on, some of
 * its events may be there without the others: who publishes them again gives them the same ids. And a handler that takes longer than
 * `rebalanceTimeoutMs` while partitions move goes on beside the one that has its partition then.
 */
export async function openKafkaLog(options: KafkaLogOptions): Promise<EventLog> {
  const { endpoint, clientId = 'weir', prefix = '', replication = -1, transactionalId, deadLetterSuffix } = options;
  const { maxEventBytes = longestEventBytes, sessionTimeoutMs = 10_000, onError, onNotice } = options;
  const driver = await kafkaDriver();
  const admin = askSilentLast(new driver.Admin(clientOptions(endpoint, { clientId, requestTimeoutMs: 10_000 })));
  const queueOf = (id: string | undefined): SendQueue =>
    new SendQueue({
      endpoint,
      clientId,
      deliveryTimeoutMs: options.deliveryTimeoutMs ?? 30_000,
      onTrouble: onError,
      ...(id !== undefined && { transactionalId: id }),
    });
  const queue = queueOf(transactionalId);
  const leased = new Set<SendQueue>();
  const closing = new AbortController();
  const consuming = new Set<Promise<void>>();
  const known = new Set<string>();

  async function find(topic: string): Promise<void> {
    if (known.has(topic)) return;
    let partitions: number | undefined;
    try {
      partitions = await partitionsOf(admin, prefix + topic);
    } catch (thrown) {
      throw logFailure(thrown, `looking up topic ${topic}`);
    }
    if (partitions === undefined)
      throw new HubError('not-found', 'permanent', `looking up topic ${topic}: it was never declared`);
    known.add(topic);
  }

  /** A consumer waits for brokers that are away. */
  async function findInTheEnd(topic: string, signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        return await find(topic);
      } catch (thrown) {
        if (!(thrown instanceof HubError && thrown.kind === 'transient')) throw thrown;
        if (failures === 0) onError(thrown);
        const pause = Math.min(longestPauseMs, 100 * 2 ** Math.min(failures, 10));
        await sleep(pause, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  async function publishWith(
    queue: SendQueue,
    topic: string,
    events: readonly NewEvent[],
    mayBegin?: () => boolean,
  ): Promise<void> {
    const doing = `publishing to ${topic}`;
    if (closing.signal.aborted)
      throw new HubError('event-log-failed', 'permanent', `${doing}: the event log is closed`);
    const records = events.map((event) => recordOf(topic, prefix + topic, event));
    if (records.some(({ bytes }) => bytes > maxEventBytes + framingBytes))
      throw new HubError('write-failed', 'permanent', `${doing}: an event is longer than ${maxEventBytes} bytes`);
    // One that is known already does not wait: the order is that of the calls.
    if (!known.has(topic)) await find(topic);
    if (records.length === 0) return;
    let refused: Awaited<ReturnType<SendQueue['send']>>;
    try {
      refused = await queue.send(records, false, mayBegin);
    } catch (thrown) {
      const error = logFailure(thrown, doing);
      if (error.code === 'not-found') known.delete(topic);
      throw error;
    }
    const [first] = refused.values();
    if (first) throw logFailure(first, doing);
  }

  const publish: EventLog['publish'] = (topic, events) => publishWith(queue, topic, events);

  function publisherOf(holder: string): LeasedPublisher {
    const own = queueOf(`${prefix}weir/${holder}`);
    leased.add(own);
    return {
      async publish(topic, events, mayBegin) {
        try {
          await publishWith(own, topic, events, mayBegin);
        } catch (thrown) {
          if (thrown instanceof HubError && thrown.code === 'not-allowed') own.takeAnew();
          throw thrown;
        }
      },
      async [Symbol.asyncDispose]() {
        leased.delete(own);
        await own.close(0);
      },
    };
  }

  async function consume(...[wanted, given]: Parameters<EventLog['consume']>): Promise<void> {
    const { topic, group, maxBatch, from, holder } = wanted;
    const signal = AbortSignal.any([wanted.signal, closing.signal]);
    if (signal.aborted) return;
    await findInTheEnd(topic, signal);
    if (signal.aborted) return;
    const handler =
      deadLetterSuffix === undefined
        ? given
        : settingAside(given, { group, keep: (event) => keepDeadLetter(topic + deadLetterSuffix, topic, event) });
    const reading = readGroup(
      {
        endpoint,
        clientId,
        topics: [prefix + topic],
        group: wireGroup(prefix, topic, group),
        ...(holder !== undefined && { instanceId: `weir/${holder}` }),
        from,
        maxBatch,
        pauses: options.retry ?? { firstMs: 100, maxMs: 30_000 },
        sessionTimeoutMs,
        heartbeatMs: Math.ceil(sessionTimeoutMs / 10),
        rebalanceTimeoutMs: options.rebalanceTimeoutMs ?? 300_000,
        onTrouble: onError,
        onAssigned: () => undefined,
      },
      ({ partition, records: [first, ...rest] }) =>
        handler({ partition, events: [eventOf(topic, first), ...rest.map((record) => eventOf(topic, record))] }),
      signal,
    );
    consuming.add(reading);
    try {
      await reading;
    } catch (thrown) {
      throw logFailure(thrown, `consuming ${topic}`);
    } finally {
      consuming.delete(reading);
    }
  }

  /** A dead-letter topic has the partitions and the retention that brokers give a new topic by themselves. */
  async function keepDeadLetter(name: string, topic: string, event: Parameters<EventLog['publish']>[1][number]) {
    if (!known.has(name)) {
      const partitions = (await partitionsOf(admin, prefix + name)) ?? (await partitionsOf(admin, prefix + topic)) ?? 1;
      await declare({ name, partitions, retentionMs: deadLetterRetentionMs });
    }
    await publish(name, [event]);
    onError(
      new HubError('event-log-failed', 'permanent', `consuming ${topic}: an event was put into ${name}`, {
        scope: 'message',
      }),
    );
  }

  async function declare({ name, partitions, retentionMs }: Parameters<EventLog['declare']>[0]): Promise<void> {
    const wanted = { name, wireName: prefix + name, partitions, retentionMs, replication };
    try {
      await declareTopic(admin, { ...wanted, maxEventBytes: maxEventBytes + framingBytes }, onNotice);
    } catch (thrown) {
      throw logFailure(thrown, `declaring topic ${name}`);
    }
    known.add(name);
  }

  return {
    declare,
    publish,
    publisherOf,
    consume,
    async status() {
      try {
        return await statusOf(admin, prefix);
      } catch (thrown) {
        throw logFailure(thrown, 'asking the brokers for their topics');
      }
    },
    async [Symbol.asyncDispose]() {
      if (closing.signal.aborted) return;
      closing.abort();
      await Promise.allSettled(consuming);
      await Promise.all([queue, ...leased].map((each) => each.close(closeMs)));
      await admin.close();
    },
  };
}

const deadLetterRetentionMs = 90 * 86_400_000;

/** What the network or the brokers did is `event-log-failed`; what a message or a setting is at fault for keeps its code. */
function logFailure(thrown: unknown, doing: string): HubError {
  const error = kafkaError(thrown, doing);
  const { code, kind, scope } = error;
  if (['event-log-failed', 'not-found', 'config-invalid', 'write-failed', 'not-allowed'].includes(code)) return error;
  return new HubError('event-log-failed', kind, error.message, { scope, cause: error });
}
