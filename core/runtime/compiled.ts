import type { ChannelDefinition, DestinationDefinition } from '../channel.ts';
import type { Format } from '../format.ts';
import type { Predicate, Step } from '../transform.ts';

export type RunnableStep =
  | { readonly kind: 'filter'; readonly name: string; readonly passes: Predicate<unknown> }
  | { readonly kind: 'transform'; readonly name: string; readonly run: Step<unknown, unknown> };

export interface CompiledDestination {
  readonly name: string;
  readonly definition: DestinationDefinition;
  readonly steps: readonly RunnableStep[];
}

/** A definition made ready to run: every step created, nothing looked up per message. */
export interface CompiledChannel {
  readonly definition: ChannelDefinition;
  readonly version: string;
  readonly format: Format<unknown>;
  readonly filters: readonly RunnableStep[];
  readonly steps: readonly RunnableStep[];
  readonly destinations: readonly CompiledDestination[];
}
