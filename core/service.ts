import type { Topic } from './events/event-log.ts';
import type { Meta } from './format.ts';

/** One event of a topic, read. */
export interface ServiceEvent<T> {
  readonly topic: string;
  readonly key: string;
  /** The effect id that it was published under. */
  readonly id: string;
  /** Milliseconds since the epoch, when it was appended to its topic. */
  readonly at: number;
  readonly headers: Meta;
  readonly value: T;
}

/**
 * What a service knows: plain objects that JSON can hold, in collections, by key. What is put is seen at once by the same
 * transaction, by others when it is committed. An object that was put or got is never changed: what becomes of it is put anew.
 */
export interface ServiceState {
  get<D extends object>(collection: string, key: string): D | undefined;
  all<D extends object>(collection: string): IterableIterator<readonly [key: string, document: D]>;
  put(collection: string, key: string, document: object): void;
  remove(collection: string, key: string): void;
}

/** One transaction of a service. Nothing of it may be kept beyond the call. */
export interface ServiceContext {
  /** Milliseconds since the epoch; the same for the whole transaction. */
  readonly now: number;
  /** When this run of the service began: before it nobody listened. */
  readonly startedAt: number;
  /** `now`, or earlier where events wait: what was published up to then has been handled. For timers, which must not overtake them. */
  readonly handledUpTo: number;
  readonly state: ServiceState;
  /** Goes to its topic after the commit, in the order of the calls, under one id however often it is sent (rule 31). */
  publish<E>(topic: Topic<E>, key: string, value: E, headers?: Meta): void;
  /** Runs in this process once the transaction is in force; where the process dies before, never. Must not throw. */
  afterCommit(run: () => void): void;
}

/**
 * A service is a channel whose source is a topic. State lives in it only (rule 31): what `handle` changes of the state, what it
 * publishes, the ids of the events and the offset they came to are one transaction, so that an event that is given out again changes
 * nothing. One hub runs it at a time; its transactions come one after the other.
 */
export interface ServiceDefinition<T> {
  /** A noun: `alarms`. Also the name of its consumer group, after `service.`. */
  readonly name: string;
  readonly consumes: readonly Topic<T>[];
  /** Whatever it publishes to. */
  readonly publishes: readonly Omit<Topic<unknown>, 'format'>[];
  /** Where it starts that has read nothing yet. */
  readonly from: 'earliest' | 'latest';
  /**
   * For how long the ids of events are remembered, by which one that was published twice acts once. Events that the log gives out
   * again are known by their offset, whatever this says.
   */
  readonly rememberMs: number;
  /**
   * Events in the order of their keys; several topics and partitions at once. Where it throws a transient HubError all of them come
   * again; where it throws anything else, without the one that it throws at, which is noted as refused.
   */
  handle(events: readonly ServiceEvent<T>[], context: ServiceContext): void | Promise<void>;
  readonly tick?: { readonly everyMs: number; run(context: ServiceContext): void | Promise<void> };
}

/** Freezes the definition. */
export function defineService<T>(definition: ServiceDefinition<T>): ServiceDefinition<T> {
  return Object.freeze(definition);
}
