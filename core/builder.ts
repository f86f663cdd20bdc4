import type { z } from 'zod';
import {
  type ChannelDefinition,
  type ChannelOptions,
  channelOptions,
  type DestinationDefinition,
  destinationOptions,
  type Erased,
  type KeyFunction,
  type StepDefinition,
} from './channel.ts';
import { checkChannel, invalidChannel } from './check-channel.ts';
import { describeIssues } from './define.ts';
import type { DestinationSpec } from './destination.ts';
import type { Format } from './format.ts';
import type { SourceSpec } from './source.ts';
import type { FilterSpec, Predicate, Step, TransformSpec } from './transform.ts';

type AnyFilter<T> = Predicate<T> | FilterSpec<T>;
type DestinationInput = z.input<typeof destinationOptions>;

/** A destination with filters and steps of its own in front of it. */
export interface Route<in T> {
  readonly kind: 'route';
  readonly input: 'transformed' | 'source';
  readonly steps: readonly StepDefinition[];
  readonly to: DestinationSpec<Erased>;
  // What makes a route of one payload no route of another; it exists in types only.
  readonly takes?: (payload: T) => void;
}
type Target<T> = DestinationSpec<T> | Route<T>;

/** A route from the payload as it was received. */
export interface OriginalRoute<in S> {
  readonly kind: 'original';
  readonly route: Route<S>;
}

function asRoute<T>(target: Target<T>): Route<T> {
  return target.kind === 'route' ? target : { kind: 'route', input: 'transformed', steps: [], to: target };
}

function filterStep(filter: AnyFilter<Erased>): StepDefinition & { readonly kind: 'filter' } {
  return { kind: 'filter', name: typeof filter === 'function' ? filter.name || 'filter' : filter.type, filter };
}

/** Only messages that pass the filter go to the destination; the others are `filtered` for it. */
export function when<T>(filter: AnyFilter<T>, target: Target<T>): Route<T> {
  const route = asRoute(target);
  return { ...route, steps: [filterStep(filter), ...route.steps] };
}

/** A transform for this destination alone. */
export function via<I, O>(transform: TransformSpec<I, O>, target: Target<O>): Route<I>;
export function via<T>(step: Step<T, T>, target: Target<T>): Route<T>;
export function via<I, O>(step: Step<I, O>, produces: Format<O>, target: Target<O>): Route<I>;
export function via(
  step: Step<Erased, Erased> | TransformSpec<Erased, Erased>,
  second: Erased,
  third?: Target<Erased>,
): Route<Erased> {
  const route = asRoute<Erased>(third ?? second);
  const produces = third ? (second as Format<Erased>) : undefined;
  return { ...route, steps: [transformStep(step, produces ?? sameFormat), ...route.steps] };
}

/** From the payload as it was received, before the channel's steps. */
export function original<S>(target: Target<S>): OriginalRoute<S> {
  return { kind: 'original', route: { ...asRoute(target), input: 'source' } };
}

// Stands for "the format of what came in" until the channel knows it.
const sameFormat: Format<Erased> = {
  id: '',
  contentType: '',
  decode: () => undefined,
  encode: () => new Uint8Array(),
};

function transformStep(
  step: Step<Erased, Erased> | TransformSpec<Erased, Erased>,
  produces: Format<Erased>,
): StepDefinition & { readonly kind: 'transform' } {
  return typeof step === 'function'
    ? { kind: 'transform', name: step.name || 'step', transform: step, produces }
    : { kind: 'transform', name: step.type, transform: step, produces: step.produces };
}

interface Draft {
  readonly name: string;
  readonly options: ChannelOptions;
  readonly source: SourceSpec<Erased>;
  readonly format: Format<Erased>;
  readonly filters: readonly (StepDefinition & { readonly kind: 'filter' })[];
  readonly key?: KeyFunction<Erased>;
  readonly steps: readonly StepDefinition[];
  readonly destinations: readonly DestinationDefinition[];
  readonly reply?: NonNullable<ChannelDefinition['reply']>;
}

function withReply(draft: Draft, step: StepDefinition): Draft {
  if (draft.options.replyFrom === undefined)
    throw invalidChannel(draft.name, 'reply: there is no replyFrom whose answer it is');
  const steps = resolved(draft.name, draft.format, [...(draft.reply?.steps ?? []), step]);
  return { ...draft, reply: { steps, format: currentFormat(draft.format, steps) } };
}

function currentFormat(start: Format<Erased>, steps: readonly StepDefinition[]): Format<Erased> {
  return steps.reduce(
    (format, step) => (step.kind === 'transform' && step.produces.id !== '' ? step.produces : format),
    start,
  );
}

/** Steps with every "same format" replaced by the format that is current there. Throws where a step takes another one. */
function resolved(channel: string, start: Format<Erased>, steps: readonly StepDefinition[]): readonly StepDefinition[] {
  let format = start;
  return steps.map((step) => {
    const spec = step.kind === 'filter' ? step.filter : step.transform;
    if (typeof spec !== 'function' && spec.accepts.id !== format.id)
      throw invalidChannel(channel, `${step.name} takes ${spec.accepts.id}, but gets ${format.id}`);
    if (step.kind === 'filter') return step;
    if (step.produces.id !== '') format = step.produces;
    return { ...step, produces: format };
  });
}

function withDestination(draft: Draft, name: string, target: Route<Erased>, options: DestinationInput): Draft {
  if (!/^[a-z0-9][a-z0-9-]*$/i.test(name))
    throw invalidChannel(draft.name, `a destination’s name has letters, digits and "-", not "${name}"`);
  if (draft.destinations.some((other) => other.name === name))
    throw invalidChannel(draft.name, `two destinations are called ${name}`);
  const start = target.input === 'source' ? draft.format : currentFormat(draft.format, draft.steps);
  const steps = resolved(draft.name, start, target.steps);
  const format = currentFormat(start, steps);
  const { accepts } = target.to;
  if (accepts && accepts.id !== format.id)
    throw invalidChannel(
      draft.name,
      `destination ${name} (${target.to.type}) takes ${accepts.id}, but gets ${format.id}`,
    );
  const read = destinationOptions.safeParse(options);
  if (!read.success) throw invalidChannel(draft.name, `destination ${name}: ${describeIssues(read.error)}`);
  const destination: DestinationDefinition = {
    name,
    input: target.input,
    steps,
    format,
    to: target.to,
    options: read.data,
  };
  return { ...draft, destinations: [...draft.destinations, destination] };
}

function finished(draft: Draft): ChannelDefinition {
  checkChannel(draft);
  return Object.freeze({ ...draft, destinations: Object.freeze([...draft.destinations]) });
}

/** What a channel file exports: the definition, and `.to()` for one more destination. */
export interface Channel<T, S> {
  readonly definition: ChannelDefinition;
  /**
   * One more step that the positive answer of `replyFrom` goes through before the sender gets it. Answers are read as the channel's
   * format. A negative answer goes back as it came.
   */
  reply<R, O>(transform: TransformSpec<R, O>): Channel<T, S>;
  reply<R>(step: Step<R, R>): Channel<T, S>;
  to(name: string, target: Target<T>, options?: DestinationInput): Channel<T, S>;
  to(name: string, target: OriginalRoute<S>, options?: DestinationInput): Channel<T, S>;
}

/** After the first transform: keys can't be chosen any more (rule 2). */
export interface Transforming<T, S> {
  filter(filter: AnyFilter<T>): Transforming<T, S>;
  through<O>(transform: TransformSpec<T, O>): Transforming<O, S>;
  through<O>(step: Step<T, O>, produces: Format<O>): Transforming<O, S>;
  through(step: Step<T, T>): Transforming<T, S>;
  to(name: string, target: Target<T>, options?: DestinationInput): Channel<T, S>;
  to(name: string, target: OriginalRoute<S>, options?: DestinationInput): Channel<T, S>;
}

/** The route stage: what is decided about a message before any transform. */
export interface Routing<T> {
  filter(filter: AnyFilter<T>): Routing<T>;
  /** Messages that share a key stay in order. None found: the channel's default lane. */
  keyBy(key: KeyFunction<T>): Routing<T>;
  through<O>(transform: TransformSpec<T, O>): Transforming<O, T>;
  through<O>(step: Step<T, O>, produces: Format<O>): Transforming<O, T>;
  through(step: Step<T, T>): Transforming<T, T>;
  to(name: string, target: Target<T>, options?: DestinationInput): Channel<T, T>;
  to(name: string, target: OriginalRoute<T>, options?: DestinationInput): Channel<T, T>;
}

export interface ChannelStart {
  from<T>(source: SourceSpec<T>): Routing<T>;
  /** Reads the source's bytes as another format: `.from(file({ … }), hl7v2)`. */
  from<T>(source: SourceSpec<Uint8Array>, format: Format<T>): Routing<T>;
}

function channelOf(draft: Draft): Channel<Erased, Erased> {
  return {
    definition: finished(draft),
    reply: (step: Step<Erased, Erased> | TransformSpec<Erased, Erased>, produces?: Format<Erased>) =>
      channelOf(withReply(draft, transformStep(step, produces ?? sameFormat))),
    to: (name: string, target: Target<Erased> | OriginalRoute<Erased>, options: DestinationInput = {}) =>
      channelOf(withDestination(draft, name, routeOf(target), options)),
  };
}

function routeOf(target: Target<Erased> | OriginalRoute<Erased>): Route<Erased> {
  return target.kind === 'original' ? target.route : asRoute(target);
}

function transforming(draft: Draft): Transforming<Erased, Erased> {
  return {
    filter: (filter) => transforming({ ...draft, steps: [...draft.steps, filterStep(filter)] }),
    through: (step: Step<Erased, Erased> | TransformSpec<Erased, Erased>, produces?: Format<Erased>) =>
      transforming(withStep(draft, step, produces)),
    to: (name: string, target: Target<Erased> | OriginalRoute<Erased>, options: DestinationInput = {}) =>
      channelOf(withDestination(draft, name, routeOf(target), options)),
  };
}

function withStep(
  draft: Draft,
  step: Step<Erased, Erased> | TransformSpec<Erased, Erased>,
  produces?: Format<Erased>,
): Draft {
  const steps = resolved(draft.name, draft.format, [...draft.steps, transformStep(step, produces ?? sameFormat)]);
  return { ...draft, steps };
}

function routing(draft: Draft): Routing<Erased> {
  return {
    filter: (filter) => routing({ ...draft, filters: [...draft.filters, filterStep(filter)] }),
    keyBy: (key) => routing({ ...draft, key }),
    through: (step: Step<Erased, Erased> | TransformSpec<Erased, Erased>, produces?: Format<Erased>) =>
      transforming(withStep(draft, step, produces)),
    to: (name: string, target: Target<Erased> | OriginalRoute<Erased>, options: DestinationInput = {}) =>
      channelOf(withDestination(draft, name, routeOf(target), options)),
  };
}

/**
 * Begins a channel. Wiring that does not fit does not compile: a destination that wants another payload, `keyBy` after `through`.
 * Throws HubError `config-invalid` for what types can't see.
 */
export function defineChannel(name: string, options: z.input<typeof channelOptions> = {}): ChannelStart {
  if (!/^[a-z0-9][a-z0-9-]*$/.test(name))
    throw invalidChannel(name, 'a channel’s name has lower-case letters, digits and "-"');
  const read = channelOptions.safeParse(options);
  if (!read.success) throw invalidChannel(name, describeIssues(read.error));
  // A reply of a destination is known when that one is done.
  const chosen: ChannelOptions = read.data.replyFrom ? { ...read.data, ackAfter: 'settled' } : read.data;
  return {
    from: (source: SourceSpec<Erased>, format?: Format<Erased>) => {
      if (format && source.format.id !== 'bytes')
        throw invalidChannel(name, `${source.type} gives ${source.format.id}, not bytes to read as ${format.id}`);
      return routing({
        name,
        options: chosen,
        source,
        format: format ?? source.format,
        filters: [],
        steps: [],
        destinations: [],
      });
    },
  };
}
