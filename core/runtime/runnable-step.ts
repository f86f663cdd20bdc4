import type { Predicate, Step } from '../transform.ts';

export type RunnableStep =
  | { readonly kind: 'filter'; readonly name: string; readonly passes: Predicate<unknown> }
  | { readonly kind: 'transform'; readonly name: string; readonly run: Step<unknown, unknown> };
