import { HubError } from '../../core/errors.ts';
import type { EventBatch, StoredEvent } from '../../core/events/event-log.ts';
import type { Arrival } from '../../core/message.ts';
import type { Source, SourceContext } from '../../core/source.ts';
import { isKept } from '../../core/source-loop.ts';

export interface EventsSourceOptions {
  readonly topic: string;
  readonly group: string;
  readonly from: 'earliest' | 'latest';
  readonly maxBatch: number;
}

/** Throws HubError `not-found`, transient, while nobody has declared the topic: the one who publishes to it may start later. */
export function eventsSource(options: EventsSourceOptions, context: SourceContext): Source {
  return {
    async run(intake, { drain, halt }) {
      const signal = AbortSignal.any([drain, halt]);
      const halted = Promise.withResolvers<never>();
      // It has no other handler while no batch is under way.
      halted.promise.catch(() => undefined);
      const stop = (): void => halted.reject(new HubError('draining', 'transient', `reading ${options.topic}: halted`));
      if (halt.aborted) stop();
      else halt.addEventListener('abort', stop, { once: true });

      const hand = async (batch: EventBatch): Promise<void> => {
        const delivery = await intake.accept(batch.events.map(arrivalOf), halt);
        const receipts = await Promise.race([delivery.receipts(context.ackAfter), halted.promise]);
        if (!receipts.every(isKept))
          throw new HubError('draining', 'transient', `reading ${options.topic}: not all was stored`);
        context.count('events_read_total', receipts.length);
      };

      context.report('reading');
      try {
        await Promise.race([
          context.events.consume({ ...options, holder: context.lease && context.channel, signal }, hand),
          untilHalt(halted.promise),
        ]);
      } catch (thrown) {
        throw missingTopic(thrown) ?? thrown;
      } finally {
        halt.removeEventListener('abort', stop);
        context.report('stopped');
      }
    },
  };
}

function arrivalOf(event: StoredEvent): Arrival {
  return {
    raw: event.value,
    key: event.key,
    dedupeKey: event.id,
    meta: {
      ...event.headers,
      'event.id': event.id,
      'event.topic': event.topic,
      'event.partition': String(event.partition),
      'event.offset': String(event.offset),
    },
  };
}

function missingTopic(thrown: unknown): HubError | undefined {
  if (!(thrown instanceof HubError) || thrown.code !== 'not-found') return undefined;
  return new HubError('not-found', 'transient', thrown.message, { cause: thrown, scope: 'destination' });
}

async function untilHalt(halted: Promise<never>): Promise<void> {
  await halted.catch(() => undefined);
}
