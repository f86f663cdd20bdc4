import type { z } from 'zod';
import type { ComponentBasics } from './component.ts';
import type { Format } from './format.ts';
import type { Lineage } from './lineage.ts';
import type { Message } from './message.ts';

const manyTag = Symbol('many');

/** Several outputs of one step: the message is split, and their outcomes fold back to it (rule 23). None: it is filtered. */
export interface Many<O> {
  readonly [manyTag]: true;
  readonly outputs: readonly O[];
}

/** Splits: `return many(observations)`. */
export function many<O>(outputs: readonly O[]): Many<O> {
  return { [manyTag]: true, outputs };
}

export function isMany(value: unknown): value is Many<unknown> {
  return typeof value === 'object' && value !== null && manyTag in value;
}

/**
 * Pure in (payload, message, version): its clock is `message.receivedAt`. It may be asynchronous, but then waits for nothing that
 * another run could answer otherwise. It never changes the payload it is given.
 */
export type Step<I, O> = (payload: I, message: Message<I>) => O | Many<O> | Promise<O | Many<O>>;

/** True: the message goes on. Pure, as a step is. */
export type Predicate<T> = (payload: T, message: Message<T>) => boolean;

export interface TransformDefinition<C extends z.ZodType, I, O> extends ComponentBasics<C> {
  readonly kind: 'transform';
  readonly accepts: Format<I>;
  readonly produces: Format<O>;
  create(config: z.output<C>): Step<I, O>;
}

export interface FilterDefinition<C extends z.ZodType, T> extends ComponentBasics<C> {
  readonly kind: 'filter';
  readonly accepts: Format<T>;
  create(config: z.output<C>): Predicate<T>;
}

/** A transform with its configuration: what `.through()` takes. */
export interface TransformSpec<I, O> {
  readonly kind: 'transform';
  readonly type: string;
  readonly config: unknown;
  readonly accepts: Format<I>;
  readonly produces: Format<O>;
  create(): Step<I, O>;
  /** Says of one payload what its step makes of which value, as it would at that message; absent where a transform cannot. */
  lineage?(payload: I, message: Message<I>): Promise<Lineage>;
}

/** A filter with its configuration: what `.filter()` and `when()` take beside a plain predicate. */
export interface FilterSpec<T> {
  readonly kind: 'filter';
  readonly type: string;
  readonly config: unknown;
  readonly accepts: Format<T>;
  create(): Predicate<T>;
}
