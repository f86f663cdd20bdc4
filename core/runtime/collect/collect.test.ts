import { describe, expect, test } from 'vitest';
import { defineChannel } from '../../builder.ts';
import { collect } from '../../collect.ts';
import type { CollectOptions, Envelope, Schedule } from '../../collection.ts';
import type { DestinationSpec } from '../../destination.ts';
import { openMemoryStore } from '../../store/memory-store.ts';
import type { PartChange } from '../../store/message-store.ts';
import {
  analyst,
  eventually,
  failing,
  farEnd,
  harnessPerTest,
  keyOf,
  manualSource,
} from '../../testing/engine-harness.ts';

const started = harnessPerTest();

const bracketed: Envelope = {
  type: 'brackets',
  config: {},
  contentType: 'text/plain',
  wrap: (parts, { sequence }) =>
    Buffer.from(`${sequence}[${parts.map((part) => Buffer.from(part).toString()).join(' ')}]`),
};

function gathering(options: Partial<CollectOptions>, name = 'gather') {
  const [source, far] = [manualSource(name), farEnd(name)];
  const anything = { ...far.spec, accepts: undefined } as unknown as DestinationSpec<Uint8Array>;
  const { definition } = defineChannel(name)
    .from(source.spec)
    .keyBy(keyOf)
    .to('far', collect({ envelope: bracketed, ...options }, anything));
  return { source, far, definition };
}

/** Due at each of these, and never again. */
const at = (...moments: readonly number[]): Schedule => ({
  text: 'moments',
  next: (after) => moments.find((each) => each > after),
});

describe('rule 23: a destination that collects', () => {
  test('closes a collection at each count, in order, and numbers them', async () => {
    const { engine } = await started();
    const { source, far, definition } = gathering({ count: 3 });
    await engine.deploy(definition, 'v1');
    for (let n = 1; n <= 8; n++) await source.send(`${n % 3}:${n}`);
    await eventually(() => far.received.length === 2);
    expect(far.received).toEqual(['1[1:1 2:2 0:3]', '2[1:4 2:5 0:6]']);
    const named = async (name: string) => (await engine.status()).find((each) => each.channel === name);
    await eventually(async () => (await named('gather'))?.destinations[0]?.queued === 2);
    const [sending, gathered] = [await named('gather.far'), await named('gather')];
    expect(gathered?.destinations[0]).toMatchObject({ sent: 6, queued: 2 });
    expect(sending).toMatchObject({ channel: 'gather.far', collectedFrom: 'gather', counts: { received: 2, sent: 2 } });
  });

  test('takes a burst of many in collections of exactly the count', async () => {
    const { engine } = await started();
    const { source, far, definition } = gathering({ count: 50 });
    await engine.deploy(definition, 'v1');
    await source.send(...Array.from({ length: 1_010 }, (_, n) => `k:${n}`));
    await eventually(() => far.received.length === 20);
    const all = far.received.map((each) => each.slice(each.indexOf('[') + 1, -1).split(' '));
    expect(all.map((each) => each.length)).toEqual(Array(20).fill(50));
    expect(all.flat()).toEqual(Array.from({ length: 1_000 }, (_, n) => `k:${n}`));
  });

  test('closes what has gathered when it has waited long enough', async () => {
    const { engine } = await started();
    const { source, far, definition } = gathering({ count: 100, maxWaitMs: 120 });
    await engine.deploy(definition, 'v1');
    await source.send('a:1', 'b:2');
    expect(far.received).toEqual([]);
    await eventually(() => far.received.length === 1);
    expect(far.received).toEqual(['1[a:1 b:2]']);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(far.received).toHaveLength(1);
  });

  test('closes at the scheduled moment, with an empty collection where that is wanted', async () => {
    const { engine } = await started();
    const soon = Date.now() + 150;
    const quiet = gathering({ schedule: at(soon) }, 'quiet');
    const empty = gathering({ schedule: at(soon), whenEmpty: 'send' }, 'empty');
    const filled = gathering({ schedule: at(soon, soon + 200), count: 2 }, 'filled');
    for (const { definition } of [quiet, empty]) await engine.deploy(definition, 'v1');
    await engine.deploy(filled.definition, 'v1');
    await filled.source.send('a:1');
    await eventually(() => filled.far.received.length === 1);
    expect(filled.far.received).toEqual(['1[a:1]']);
    await eventually(() => empty.far.received.length === 1);
    expect(empty.far.received).toEqual(['1[]']);
    expect(quiet.far.received).toEqual([]);
  });

  test('goes on after a restart with what had gathered, and makes up for a moment that was missed', async () => {
    const store = openMemoryStore({ now: Date.now });
    const moment = Date.now() + 300;
    const first = gathering({ schedule: at(moment) });
    const before = await started({ store });
    await before.engine.deploy(first.definition, 'v1');
    await first.source.send('a:1', 'a:2');
    await before.engine.close(1_000);
    await new Promise((resolve) => setTimeout(resolve, moment + 20 - Date.now()));
    const second = gathering({ schedule: at(moment) });
    const { engine } = await started({ store });
    await engine.deploy(second.definition, 'v1');
    await eventually(() => second.far.received.length === 1);
    expect(second.far.received).toEqual(['1[a:1 a:2]']);
  });

  test('makes the same collection again, once, when the hub ended between sending it and marking its messages', async () => {
    const memory = openMemoryStore({ now: Date.now });
    const released = Promise.withResolvers<void>();
    const update = (channel: string, changes: readonly PartChange[]) =>
      changes.some((change) => change.to === 'sent') && channel === 'gather'
        ? released.promise
        : memory.update(channel, changes);
    const store = new Proxy(memory, {
      get: (target, name) => {
        const value: unknown = name === 'update' ? update : Reflect.get(target, name, target);
        return typeof value === 'function' && name !== 'update' ? value.bind(target) : value;
      },
    });
    const first = gathering({ count: 2 });
    const before = await started({ store });
    await before.engine.deploy(first.definition, 'v1');
    await first.source.send('a:1', 'a:2', 'a:3');
    await eventually(() => first.far.received.length === 1);
    // The first engine is never closed: as after a kill, its collection is still being marked.
    const second = gathering({ count: 2 });
    const { engine } = await started({ store: memory });
    await engine.deploy(second.definition, 'v1');
    await second.source.send('a:4');
    await eventually(() => second.far.received.length === 1);
    expect([...first.far.received, ...second.far.received]).toEqual(['1[a:1 a:2]', '2[a:3 a:4]']);
    released.resolve();
  });

  test('keeps its own collection frozen: a far end that is away gets the same bytes later', async () => {
    const { engine } = await started();
    const { source, far, definition } = gathering({ count: 2 });
    let away = true;
    far.answer = () => (away ? failing.away() : { status: 'sent' });
    await engine.deploy(definition, 'v1');
    await source.send('a:1', 'a:2');
    await eventually(() => far.attempts.length === 1);
    const status = (await engine.status()).find((each) => each.channel === 'gather.far');
    expect(status?.destinations[0]?.circuit).toBe('open');
    away = false;
    await eventually(() => far.received.length === 1);
    expect(new Set(far.attempts)).toEqual(new Set(['1[a:1 a:2]']));
  });

  test('leaves out what somebody skips, and counts anew', async () => {
    const { engine } = await started();
    const { source, far, definition } = gathering({ count: 3 });
    await engine.deploy(definition, 'v1');
    const receipts = await source.send('a:1', 'a:2');
    await eventually(async () => (await engine.status()).at(-1)?.destinations[0]?.queued === 2);
    await engine.skip(receipts[0]!.id!, analyst);
    await source.send('a:3');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(far.received).toEqual([]);
    await source.send('a:4');
    await eventually(() => far.received.length === 1);
    expect(far.received).toEqual(['1[a:2 a:3 a:4]']);
  });

  test('passes its queue on when the channel is deployed without it, and takes it over again', async () => {
    const { engine } = await started();
    const { source, far, definition } = gathering({ count: 3 });
    await engine.deploy(definition, 'v1');
    await source.send('a:1', 'a:2');
    const plain = defineChannel('gather').from(source.spec).keyBy(keyOf).to('far', far.spec).definition;
    await engine.deploy(plain, 'v2');
    await eventually(() => far.received.length === 2);
    expect(far.received).toEqual(['a:1', 'a:2']);
    expect((await engine.status()).map((each) => each.channel)).toEqual(['gather']);
  });

  test('cannot be had from a connector that takes one format only, or without a word on when to close', () => {
    const far = farEnd();
    expect(() =>
      collect({ count: 2, envelope: bracketed }, far.spec as unknown as DestinationSpec<Uint8Array>),
    ).toThrow(/takes text/);
    expect(() => gathering({})).toThrow(/count, schedule or maxWaitMs is needed/);
  });

  test('is nothing that a sender can wait for', () => {
    const [source, far] = [manualSource(), farEnd()];
    const anything = { ...far.spec, accepts: undefined } as unknown as DestinationSpec<Uint8Array>;
    const collected = collect({ count: 2, envelope: bracketed }, anything);
    const start = defineChannel('late', { ackAfter: 'settled' }).from(source.spec);
    expect(() => start.to('far', collected)).toThrow(/far collects/);
    const named = defineChannel('late', { ackAfter: 'settled', ackOn: ['now'] }).from(source.spec);
    expect(() => named.to('now', far.spec).to('far', collected)).not.toThrow();
  });
});
