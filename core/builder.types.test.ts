import { describe, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { type Channel, defineChannel, original, via, when } from './builder.ts';
import { defineAdapter, defineConnector, defineTransform } from './define.ts';
import type { DestinationSpec } from './destination.ts';
import { bytes, type Format } from './format.ts';
import type { SourceSpec } from './source.ts';
import { many } from './transform.ts';

interface Admission {
  readonly patient: string;
}
const json = <T>(id: string): Format<T> => ({
  id,
  contentType: 'application/json',
  decode: (raw) => JSON.parse(Buffer.from(raw).toString()) as T,
  encode: (value) => Buffer.from(JSON.stringify(value)),
});
const admission = json<Admission>('admission.v1');
const text = json<string>('text');

const none = z.strictObject({});
const examples = [{ title: 'As it is', config: {} }] as const;
const source = <T>(format: Format<T>): SourceSpec<T> =>
  defineAdapter({
    type: 'test-source',
    summary: 'Gives nothing.',
    produces: format,
    acknowledges: 'reply',
    config: none,
    examples: [...examples],
    create: () => ({ run: async () => undefined }),
  })({});
const sink = <T>(format: Format<T>): DestinationSpec<T> =>
  defineConnector({
    type: 'test-sink',
    summary: 'Takes everything.',
    accepts: format,
    batching: 'independent',
    effect: 'atLeastOnce',
    maxBatch: 1,
    config: none,
    examples: [...examples],
    create: () => ({ write: async () => undefined, [Symbol.asyncDispose]: async () => undefined }),
  })({});
const anything = defineConnector<typeof none, unknown>({
  type: 'any-sink',
  summary: 'Takes everything.',
  accepts: 'any',
  batching: 'independent',
  effect: 'atLeastOnce',
  maxBatch: 1,
  config: none,
  examples: [...examples],
  create: () => ({ write: async () => undefined, [Symbol.asyncDispose]: async () => undefined }),
})({});
const toText = defineTransform({
  type: 'admission-to-text',
  summary: 'Says who was admitted.',
  accepts: admission,
  produces: text,
  config: none,
  examples: [...examples],
  create: () => (value) => value.patient,
});

describe('the typed builder', () => {
  test('wiring that fits compiles, and its payload types flow', () => {
    const channel = defineChannel('fits')
      .from(source(admission))
      .filter((payload) => payload.patient !== '')
      .keyBy((payload) => payload.patient)
      .to(
        'own',
        when((payload: Admission) => payload.patient.startsWith('A'), sink(admission)),
      )
      .to('text', via(toText({}), sink(text)))
      .to('any', anything)
      .to('raw', original(sink(admission)));
    expectTypeOf(channel).toExtend<Channel<Admission, Admission>>();
    expect(channel.definition.destinations.map((each) => [each.name, each.format.id])).toEqual([
      ['own', 'admission.v1'],
      ['text', 'text'],
      ['any', 'admission.v1'],
      ['raw', 'admission.v1'],
    ]);
    const transformed = defineChannel('transformed')
      .from(source(admission))
      .through(toText({}))
      .through((payload) => many([payload.trim()]));
    expectTypeOf(transformed.to('text', sink(text))).toExtend<Channel<string, Admission>>();
    expect(Object.isFrozen(channel.definition)).toBe(true);
  });

  test('bytes are read as the format that is named', () => {
    const channel = defineChannel('read').from(source(bytes), admission).to('own', sink(admission));
    expect(channel.definition.format.id).toBe('admission.v1');
  });

  test('a destination that wants another payload does not compile, and is refused by its format’s id', () => {
    const routing = defineChannel('wrong').from(source(admission));
    // @ts-expect-error: it takes text, and gets an admission
    expect(() => routing.to('text', sink(text))).toThrow('takes text, but gets admission.v1');
    // @ts-expect-error: behind the transform it takes text, not an admission
    expect(() => routing.through(toText({})).to('own', sink(admission))).toThrow('takes admission.v1, but gets text');
    // @ts-expect-error: what `via` makes is text
    expect(() => routing.to('own', via(toText({}), sink(admission)))).toThrow('takes admission.v1, but gets text');
  });

  test('a transform that takes another payload does not compile', () => {
    const routing = defineChannel('wrong').from(source(text));
    // @ts-expect-error: it takes an admission, and gets text
    expect(() => routing.through(toText({}))).toThrow('admission-to-text takes admission.v1, but gets text');
  });

  test('rule 2: `keyBy` after `through` does not compile', () => {
    const transforming = defineChannel('late-key').from(source(admission)).through(toText({}));
    // @ts-expect-error: keys are chosen before any transform
    expect(transforming.keyBy).toBeUndefined();
  });

  test('a filter on a field that the payload does not have does not compile', () => {
    defineChannel('typo')
      .from(source(admission))
      // @ts-expect-error: there is no `name`
      .filter((payload) => payload.name !== '');
  });

  test('what types cannot see is one clear error: names, doubles, options, acknowledgement points', () => {
    const from = (name: string, options = {}) => defineChannel(name, options).from(source(admission));
    expect(() => from('Has Spaces')).toThrow('a channel’s name');
    expect(() => from('twice').to('a', sink(admission)).to('a', sink(admission))).toThrow(
      'two destinations are called a',
    );
    expect(() => from('options', { ackAfter: 'later' })).toThrow('ackAfter');
    expect(() => from('retry').to('a', sink(admission), { retry: { maxAttempts: 0 } })).toThrow('retry.maxAttempts');
  });
});
