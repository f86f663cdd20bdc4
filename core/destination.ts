import type { z } from 'zod';
import type { CollectSpec } from './collection.ts';
import type { ComponentBasics, ComponentContext } from './component.ts';
import type { HubError } from './errors.ts';
import type { EventLog } from './events/event-log.ts';
import type { Format } from './format.ts';
import type { Outgoing } from './message.ts';

/**
 * `untried`: not begun; it goes again and nothing is counted. `uncertain`: begun, but nobody knows how it ended: the same bytes
 * go again (rule 19). `error`: the far end did not take it; the error's kind and scope say what follows. With `retryAfterMs` the far
 * end has said how long it wants to be left alone: it, or this one message, is tried no earlier.
 */
export type WriteOutcome =
  | { readonly status: 'sent'; readonly reply?: Uint8Array }
  | { readonly status: 'untried' }
  | {
      readonly status: 'uncertain' | 'error';
      readonly error: HubError;
      readonly reply?: Uint8Array;
      readonly retryAfterMs?: number;
    };

export interface WriteContext {
  readonly signal: AbortSignal;
  /** The lease under which this write happens, for sinks that fence. */
  readonly epoch: number;
  /** On the clock of `performance.now()`: no write may begin after it. */
  readonly notAfter: number;
}

/**
 * `atomic`: all or none. `prefix`: in order, and `untried` after the first failure. `independent`: each for itself; such a batch
 * holds at most one message per key.
 */
export type Batching = 'atomic' | 'prefix' | 'independent';

/** What can be promised when a write is repeated (rule 29). */
export type Effect = 'transactional' | 'fenced' | 'atLeastOnce';

export interface Destination<in T> extends AsyncDisposable {
  /**
   * Resolves when the batch is durable at the far end: one outcome per message, in order, or nothing for "all sent".
   * A rejection counts as `uncertain` for all of them: the runtime narrows it down by bisecting (rule 16).
   * Never called again before it has resolved, unless `concurrency` is above 1.
   */
  write(batch: readonly Outgoing<T>[], context: WriteContext): Promise<readonly WriteOutcome[] | void>;
}

export interface DestinationContext extends ComponentContext {
  readonly destination: string;
  readonly events: EventLog;
  /**
   * Gives a message to another channel of this hub. Resolves when it is durable there; one with an effect id that it has already is
   * left alone. Rejects with HubError `not-found` or `store-full` of scope `destination`: it may be there, or have room, later.
   */
  give(channel: string, message: Outgoing<unknown>): Promise<void>;
}

export interface ConnectorDefinition<C extends z.ZodType, T> extends ComponentBasics<C> {
  readonly kind: 'connector';
  /** `any`: writes the bytes of whatever format the channel has at that point. */
  readonly accepts: Format<T> | 'any' | ((config: z.output<C>) => Format<T> | 'any');
  readonly batching: Batching;
  readonly effect: Effect;
  /** Messages in one call of `write`, at the most. */
  readonly maxBatch: number | ((config: z.output<C>) => number);
  /** Calls of `write` under way at once; 1 if not given. */
  readonly concurrency?: number | ((config: z.output<C>) => number);
  create(config: z.output<C>, context: DestinationContext): Destination<T>;
}

/** A connector with its configuration: what `.to()` takes. `T` is what it can write; `unknown` for one that writes anything. */
export interface DestinationSpec<in T> {
  readonly kind: 'destination';
  readonly type: string;
  readonly config: unknown;
  /** Undefined: takes any format. */
  readonly accepts: Format<never> | undefined;
  readonly batching: Batching;
  readonly effect: Effect;
  readonly maxBatch: number;
  readonly concurrency: number;
  readonly resources: readonly string[];
  /** The device profiles that its configuration names; none if absent. */
  readonly deviceProfiles?: readonly string[];
  /** Messages are gathered, and written as one. */
  readonly collect?: CollectSpec;
  create(context: DestinationContext): Destination<T>;
}
