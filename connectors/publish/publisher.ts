import type { Destination, DestinationContext, WriteContext, WriteOutcome } from '../../core/destination.ts';
import { asHubError, HubError } from '../../core/errors.ts';
import type { EventLog, NewEvent } from '../../core/events/event-log.ts';
import type { Outgoing } from '../../core/message.ts';
import { eventsOf } from './event.ts';

export interface PublisherOptions {
  readonly topic: string;
  readonly partitions?: number | undefined;
  readonly retentionMs: number;
  readonly contentType?: string | undefined;
}

const partitionsOfNewTopics = 8;

/** Declares the topic when it is made, and again before each write until that has worked once. */
export function publisher(options: PublisherOptions, context: DestinationContext): Destination<unknown> {
  const { topic, contentType } = options;
  const { events: log, channel, destination, lease } = context;
  const leased = lease === undefined ? undefined : log.publisherOf?.(`${channel}/${destination}`);
  let declared: Promise<void> | undefined;
  const ready = (): Promise<void> => {
    declared ??= declare(log, options).catch((thrown: unknown) => {
      declared = undefined;
      throw thrown;
    });
    return declared;
  };
  // A failure shows at the first write, which tries again.
  ready().catch(() => undefined);

  const publishAll = async (
    batch: readonly Outgoing<unknown>[],
    mayBegin: () => boolean,
  ): Promise<WriteOutcome | undefined> => {
    await ready();
    // Declaring a topic of a cluster takes its time.
    if (!mayBegin()) return { status: 'untried' };
    const events: NewEvent[] = [];
    for (const message of batch) eventsOf(message, contentType, events);
    await (leased ? leased.publish(topic, events, mayBegin) : log.publish(topic, events));
    context.count('publish_events_total', events.length);
  };

  return {
    async write(batch, { signal, notAfter }: WriteContext) {
      const mayBegin = (): boolean => !signal.aborted && performance.now() <= notAfter;
      if (!mayBegin()) return batch.map(() => ({ status: 'untried' }) as const);
      const abort = Promise.withResolvers<WriteOutcome>();
      const aborted = (): void => {
        const error = new HubError(
          'event-log-failed',
          'transient',
          `publishing to ${topic}: ended before the log confirmed it`,
        );
        abort.resolve({ status: 'uncertain', error });
      };
      signal.addEventListener('abort', aborted, { once: true });
      try {
        const outcome = await Promise.race([publishAll(batch, mayBegin), abort.promise]);
        return outcome && batch.map(() => outcome);
      } catch (thrown) {
        const error = ofDestination(asHubError(thrown, 'event-log-failed', `publishing to ${topic}`, 'transient'));
        return batch.map(() => ({ status: 'error', error }) as const);
      } finally {
        signal.removeEventListener('abort', aborted);
      }
    },
    [Symbol.asyncDispose]: async () => leased?.[Symbol.asyncDispose](),
  };
}

async function declare(log: EventLog, { topic, partitions, retentionMs }: PublisherOptions): Promise<void> {
  const existing = partitions === undefined ? (await log.status()).find((each) => each.topic === topic) : undefined;
  await log.declare({
    name: topic,
    partitions: partitions ?? existing?.partitions ?? partitionsOfNewTopics,
    retentionMs,
  });
}

/** A topic that is away or is not as declared fails for every message alike. */
function ofDestination(error: HubError): HubError {
  if (error.scope === 'destination') return error;
  return new HubError(error.code, error.kind, error.message, { scope: 'destination', cause: error });
}
