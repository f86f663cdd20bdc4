import { asHubError, type HubError } from '../errors.ts';
import type { EventBatch, StoredEvent, Topic } from '../events/event-log.ts';
import type { ServiceContext, ServiceEvent } from '../service.ts';

/** Events of one partition, to be handled. */
export interface EventsTurn<T> {
  readonly kind: 'events';
  readonly topic: Topic<T>;
  readonly partition: number;
  readonly events: readonly StoredEvent[];
  resolve(): void;
  reject(error: HubError): void;
}

/** A tick, or what a person asks for. */
export interface WorkTurn {
  readonly kind: 'work';
  run(context: ServiceContext): void | Promise<void>;
  resolve(): void;
  reject(thrown: unknown): void;
}

/** What goes into one transaction, alone or with others. */
export type Turn<T> = EventsTurn<T> | WorkTurn;

export function eventsTurn<T>(
  topic: Topic<T>,
  { partition, events }: EventBatch,
): EventsTurn<T> & { readonly done: Promise<void> } {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  return { kind: 'events', topic, partition, events, resolve, reject, done: promise };
}

/** The two halves of a turn that failed as a whole; the first has to be done before the second. */
export function halves<T>(turn: EventsTurn<T>): readonly [EventsTurn<T>, EventsTurn<T>] {
  const middle = Math.ceil(turn.events.length / 2);
  return [
    { ...turn, events: turn.events.slice(0, middle), resolve: () => undefined },
    { ...turn, events: turn.events.slice(middle) },
  ];
}

/** Read, or the reason why it cannot be. */
export function decoded<T>({ format }: Topic<T>, event: StoredEvent): ServiceEvent<T> | HubError {
  const { topic, key, id, at, headers } = event;
  try {
    return { topic, key, id, at, headers, value: format.decode(event.value, headers) };
  } catch (thrown) {
    return asHubError(thrown, 'decode-failed', `reading an event of ${topic}`);
  }
}
