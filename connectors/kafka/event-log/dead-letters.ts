import { HubError } from '../../../core/errors.ts';
import type { EventBatch, NewEvent, StoredEvent } from '../../../core/events/event-log.ts';

export interface DeadLetterOptions {
  readonly group: string;
  /** Resolves when the event is durable in the dead-letter topic. */
  readonly keep: (event: NewEvent) => Promise<void>;
}

/**
 * A handler that sets aside what it can never take: where it rejects with a permanent error of scope `message`, the batch is halved
 * until the one event at fault is alone; that one goes to the dead-letter topic, with where it was and why, and its offset moves on
 * (rule 16). Events before it may be handed over twice.
 */
export function settingAside(
  handler: (batch: EventBatch) => Promise<void>,
  { group, keep }: DeadLetterOptions,
): (batch: EventBatch) => Promise<void> {
  const handle = async (batch: EventBatch): Promise<void> => {
    try {
      await handler(batch);
    } catch (thrown) {
      if (!(thrown instanceof HubError && thrown.kind === 'permanent' && thrown.scope === 'message')) throw thrown;
      const { partition, events } = batch;
      if (events.length === 1) return await keep(deadLetterOf(events[0], group, thrown));
      const half = events.length >> 1;
      await handle({ partition, events: events.slice(0, half) as [StoredEvent, ...StoredEvent[]] });
      await handle({ partition, events: events.slice(half) as [StoredEvent, ...StoredEvent[]] });
    }
  };
  return handle;
}

function deadLetterOf(event: StoredEvent, group: string, { code, message }: HubError): NewEvent {
  const { topic, partition, offset, key, value, id, headers } = event;
  const why = {
    'deadLetter.topic': topic,
    'deadLetter.partition': String(partition),
    'deadLetter.offset': String(offset),
    'deadLetter.group': group,
    'deadLetter.code': code,
    'deadLetter.error': message,
  };
  return { key, value, id, headers: { ...headers, ...why } };
}
