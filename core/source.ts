import type { z } from 'zod';
import type { ComponentBasics, ComponentContext, TcpListener } from './component.ts';
import type { EventLog } from './events/event-log.ts';
import type { Format } from './format.ts';
import type { Arrival } from './message.ts';
import type { AckPoint, Receipt } from './outcome.ts';
import type { ProfileName, SenderProfile } from './profile.ts';

/** The way into a channel. The first await is backpressure, the second is the acknowledgement. */
export interface Intake {
  /**
   * Takes ownership of the bytes; `seq` follows call order; resolves when there is room for the next call.
   * Rejects with HubError `draining` when the channel takes nothing any more, and `store-full` where `whenFull` is `reject`;
   * nothing of the batch is stored then. Rejects with the signal's reason when it aborts while waiting for room: what was
   * handed over before is stored all the same.
   */
  accept(batch: readonly Arrival[], signal: AbortSignal): Promise<Delivery>;
  /** For streams that may drop rather than wait; what is dropped is counted. */
  tryAccept(batch: readonly Arrival[]): Delivery | undefined;
}

export interface Delivery {
  /**
   * Calls `done` exactly once per arrival when it reaches `point`, at once for those that have. Never throws, never skips. Whoever
   * wants to hear of more than one point asks before the first is reached.
   */
  on(point: AckPoint, done: (index: number, receipt: Receipt) => void): void;
  receipts(point?: AckPoint): Promise<readonly Receipt[]>;
}

/** How a source lives: `drain` aborts first, `halt` at the end of the drain's deadline or at once. */
export interface Life {
  readonly drain: AbortSignal;
  readonly halt: AbortSignal;
}

export interface Source {
  /**
   * Feeds the channel until `drain` aborts (stop reading, wait for open receipts, return) or `halt` does (return now).
   * A receipt with status `draining` means: close without an acknowledgement. Throws HubError where it can't go on; the
   * runtime then starts it again with backoff (transient) or reports it (permanent).
   */
  run(intake: Intake, life: Life): Promise<void>;
}

export interface SourceContext extends ComponentContext {
  /** The point at which a positive answer is due (the channel's `ackAfter`). */
  readonly ackAfter: AckPoint;
  /** The listening socket of a `tcp-listen` endpoint. The runtime owns it: it outlives this source (rule 24). */
  listen(endpoint: string): Promise<TcpListener>;
  readonly events: EventLog;
}

/** How a source can answer: with a reply per message, by confirming (commit, delete, ack), or not at all. */
export type Acknowledges = 'reply' | 'confirm' | 'never';

export interface AdapterDefinition<C extends z.ZodType, T> extends ComponentBasics<C> {
  readonly kind: 'adapter';
  readonly produces: Format<T> | ((config: z.output<C>) => Format<T>);
  readonly acknowledges: Acknowledges;
  /** Acknowledgement points that it can honour; all three if not given. */
  readonly ackPoints?: readonly AckPoint[];
  create(config: z.output<C>, context: SourceContext): Source;
}

/** An adapter with its configuration: what `.from()` takes. */
export interface SourceSpec<T> {
  readonly kind: 'source';
  readonly type: string;
  readonly config: unknown;
  readonly format: Format<T>;
  readonly acknowledges: Acknowledges;
  readonly ackPoints: readonly AckPoint[];
  /** What two channels cannot both have: `tcp:127.0.0.1:2575`, `directory:/in`. Endpoints are named `endpoint:<name>`. */
  readonly resources: readonly string[];
  /** The device profiles that its configuration names; none if absent. */
  readonly deviceProfiles?: readonly string[];
  /** What its sender does in its own way; by name until the channel is loaded. */
  readonly profile?: SenderProfile | ProfileName;
  /** The same source with other defaults for what its configuration does not say. Throws HubError `config-invalid`. */
  withDefaults?(defaults: Readonly<Record<string, unknown>>): SourceSpec<T>;
  create(context: SourceContext): Source;
}
