import { expect } from 'vitest';
import type { Message } from '../message.ts';
import { isMany, type TransformSpec } from '../transform.ts';

/** What a synchronous transform makes of a payload; each output has to be the same once it was written and read by its format. */
export function stepOutputs<I, O>({ create, produces }: TransformSpec<I, O>, payload: I): readonly O[] {
  const made = create()(payload, {} as Message<I>);
  const outputs = isMany(made) ? (made.outputs as readonly O[]) : [made as O];
  for (const each of outputs) expect(produces.decode(produces.encode(each), {})).toEqual(each);
  return outputs;
}
