import { describe, expect, test } from 'vitest';
import { defineChannel } from '../../builder.ts';
import type { Batching } from '../../destination.ts';
import { MemoryContents } from '../../store/memory-contents.ts';
import { openMemoryStore } from '../../store/memory-store.ts';
import {
  analyst,
  type EngineHarness,
  engineHarness,
  eventually,
  failing,
  farEnd,
  harnessPerTest,
  keyOf,
  manualSource,
} from '../../testing/engine-harness.ts';
import { unkeyedAt } from './holds.ts';

const started = harnessPerTest();

const typed = (body: string, type: string) => ({ raw: Buffer.from(body), meta: { 'hl7.type': type } });
const quiet = () => new Promise((resolve) => setTimeout(resolve, 60));

async function queued({ engine }: EngineHarness): Promise<number | undefined> {
  return (await engine.status())[0]?.destinations[0]?.queued;
}

async function released({ engine }: EngineHarness, hold: string, rate = 5_000): Promise<void> {
  const { id } = await engine.jobs.create({ verb: 'release', hold, rate }, analyst);
  await eventually(() => engine.jobs.get(id).state === 'done');
}

describe('rule 22: what operators hold back', () => {
  test.each<Batching>([
    'independent',
    'prefix',
    'atomic',
  ])('a hold on a key keeps that key only, and its release sends in order: %s', async (batching) => {
    const harness = await started();
    const { engine } = harness;
    const [source, far] = [manualSource(), farEnd('far', { batching })];
    await engine.deploy(defineChannel('one').from(source.spec).keyBy(keyOf).to('far', far.spec).definition, 'v1');
    await source.send('a:0', 'b:0');
    await eventually(() => far.received.length === 2);
    const hold = await engine.holds.add({ channel: 'one', key: 'a' }, analyst);
    for (let n = 1; n <= 40; n++) await source.send(`a:${n}`, `b:${n}`);
    await eventually(() => far.received.length === 42);
    await quiet();
    expect(far.received.filter((each) => keyOf(each) === 'a')).toEqual(['a:0']);
    await eventually(async () => (await queued(harness)) === 40);
    expect((await engine.status())[0]?.destinations[0]).toMatchObject({ heldKeys: 1, holds: 1 });
    await released(harness, hold.id);
    await eventually(() => far.received.length === 82);
    await source.send('a:41');
    await eventually(() => far.received.length === 83);
    const ofA = far.received.filter((each) => keyOf(each) === 'a');
    expect(ofA).toEqual(Array.from({ length: 42 }, (_, n) => `a:${n}`));
    expect(engine.holds.list()).toEqual([]);
    await eventually(async () => (await engine.status())[0]?.destinations[0]?.heldKeys === 0);
  });

  test('a hold on a type holds its key from there on: nothing that comes later overtakes', async () => {
    const harness = await started();
    const { engine } = harness;
    const [source, far] = [manualSource(), farEnd()];
    await engine.deploy(defineChannel('one').from(source.spec).keyBy(keyOf).to('far', far.spec).definition, 'v1');
    const hold = await engine.holds.add({ channel: 'one', destination: 'far', type: 'ADT^A08' }, analyst);
    await source.send(typed('a:1', 'ADT^A01'), typed('a:2', 'ADT^A08'), typed('a:3', 'ADT^A01'));
    await source.send(typed('b:1', 'ADT^A01'), typed('a:4', 'ADT^A08'), typed('a:5', 'ADT^A03'));
    await eventually(() => far.received.length === 2);
    await quiet();
    expect(far.received).toEqual(['a:1', 'b:1']);
    await eventually(async () => (await queued(harness)) === 4);
    await released(harness, hold.id);
    await eventually(() => far.received.length === 6);
    expect(far.received.filter((each) => keyOf(each) === 'a')).toEqual(['a:1', 'a:2', 'a:3', 'a:4', 'a:5']);
  });

  test('what is queued, waits for its retry or is behind that when the hold begins is held too', async () => {
    const harness = await started();
    const { engine } = harness;
    const [source, far] = [manualSource(), farEnd()];
    let down = true;
    far.answer = () => (down ? failing.passing() : { status: 'sent' });
    const channel = defineChannel('one')
      .from(source.spec)
      .keyBy(keyOf)
      .to('far', far.spec, { retry: { initialMs: 10, maxMs: 20 } });
    await engine.deploy(channel.definition, 'v1');
    await source.send('a:1', 'a:2', 'b:1', 'a:3');
    await eventually(() => far.attempts.length > 4);
    const hold = await engine.holds.add({ channel: 'one', key: 'a' }, analyst);
    await quiet();
    down = false;
    await eventually(() => far.received.length === 1);
    await quiet();
    expect(far.received).toEqual(['b:1']);
    await eventually(async () => (await queued(harness)) === 3);
    await released(harness, hold.id);
    await eventually(() => far.received.length === 4);
    expect(far.received).toEqual(['b:1', 'a:1', 'a:2', 'a:3']);
  });

  test('everything can be held, where a destination keeps no order or the total order too', async () => {
    for (const order of ['none', 'strict', 'key'] as const) {
      const harness = await started();
      const { engine } = harness;
      const [source, far] = [manualSource(), farEnd()];
      const channel = defineChannel('one').from(source.spec).keyBy(keyOf).to('far', far.spec, { order });
      await engine.deploy(channel.definition, 'v1');
      const hold = await engine.holds.add({ channel: 'one', all: true }, analyst);
      for (let n = 0; n < 30; n++) await source.send(`${n % 7}:${n}`);
      await eventually(async () => (await queued(harness)) === 30);
      expect(far.received).toEqual([]);
      await released(harness, hold.id);
      await eventually(() => far.received.length === 30);
      expect(await engine.holds.list()).toEqual([]);
      await source.send('x:31');
      await eventually(() => far.received.length === 31);
    }
  });

  test('a merge waits for the held one of its two keys, and what follows it waits for the merge', async () => {
    const harness = await started();
    const { engine } = harness;
    const [source, far] = [manualSource(), farEnd()];
    const keys = (payload: string) => keyOf(payload).split('+');
    await engine.deploy(defineChannel('one').from(source.spec).keyBy(keys).to('far', far.spec).definition, 'v1');
    const hold = await engine.holds.add({ channel: 'one', key: 'a' }, analyst);
    await source.send('b:1', 'a+b:2', 'b:3', 'c:4');
    await eventually(() => far.received.length === 2);
    await quiet();
    expect(far.received).toEqual(['b:1', 'c:4']);
    await eventually(async () => (await queued(harness)) === 2);
    await released(harness, hold.id);
    await eventually(() => far.received.length === 4);
    expect(far.received.slice(2)).toEqual(['a+b:2', 'b:3']);
  });

  test('a hold is in force over a restart, and so is what of it was let go', async () => {
    const contents = new MemoryContents();
    const open = () => engineHarness({ store: openMemoryStore({ now: Date.now, contents }) });
    const [source, far] = [manualSource(), farEnd()];
    const { definition } = defineChannel('one').from(source.spec).keyBy(keyOf).to('far', far.spec);
    let harness = await open();
    await harness.engine.deploy(definition, 'v1');
    const hold = await harness.engine.holds.add({ channel: 'one', all: true }, analyst);
    for (let n = 0; n < 60; n++) await source.send(`${n % 3}:${n}`);
    await eventually(async () => (await queued(harness)) === 60);
    const job = await harness.engine.jobs.create({ verb: 'release', hold: hold.id, rate: 100 }, analyst);
    await eventually(() => far.received.length >= 10);
    await harness[Symbol.asyncDispose]();
    const before = far.received.length;
    expect(before).toBeLessThan(50);
    harness = await open();
    await harness.engine.deploy(definition, 'v1');
    expect(harness.engine.holds.list()).toMatchObject([{ id: hold.id }]);
    await source.send('0:60');
    await eventually(() => harness.engine.jobs.get(job.id).state === 'done');
    await eventually(() => far.received.length === 61);
    expect(new Set(far.received).size).toBe(61);
    for (const key of ['0', '1', '2']) {
      const own = far.received.filter((each) => keyOf(each) === key).map((each) => Number(each.slice(2)));
      expect(own).toEqual(own.toSorted((a, b) => a - b));
    }
    await harness[Symbol.asyncDispose]();
  });

  test('the release of a hold keeps its rate, can be paused, and when it is cancelled the rest stays held', async () => {
    const harness = await started();
    const { engine } = harness;
    const [source, far] = [manualSource(), farEnd()];
    await engine.deploy(defineChannel('one').from(source.spec).keyBy(keyOf).to('far', far.spec).definition, 'v1');
    const hold = await engine.holds.add({ channel: 'one', key: 'a' }, analyst);
    for (let n = 0; n < 50; n++) await source.send(`a:${n}`);
    await eventually(async () => (await queued(harness)) === 50);
    expect(await engine.jobs.preview({ verb: 'release', hold: hold.id })).toMatchObject({ matched: 50 });
    const begun = performance.now();
    const { id } = await engine.jobs.create({ verb: 'release', hold: hold.id, rate: 50 }, analyst);
    await eventually(() => far.received.length >= 10);
    expect(performance.now() - begun).toBeGreaterThan(150);
    await engine.jobs.pause(id, analyst);
    await quiet();
    const { length } = far.received;
    await quiet();
    expect(far.received).toHaveLength(length);
    await engine.jobs.resume(id, analyst);
    await eventually(() => far.received.length > length);
    await engine.jobs.cancel(id, analyst);
    expect(engine.holds.list()).toHaveLength(1);
    await quiet();
    expect(far.received.length).toBeLessThan(50);
    await expect(engine.jobs.resume(id, analyst)).rejects.toMatchObject({ code: 'not-allowed' });
    await released(harness, hold.id);
    await eventually(() => far.received.length === 50);
    expect(far.received).toEqual(Array.from({ length: 50 }, (_, n) => `a:${n}`));
  });

  test('rule 9: a sender that waits for the held one gets a negative answer, and nothing goes out until it comes again', async () => {
    const harness = await started();
    const { engine } = harness;
    const [source, far] = [manualSource(), farEnd()];
    const channel = defineChannel('one', { ackAfter: 'settled', ackTimeoutMs: 500 })
      .from(source.spec)
      .keyBy(keyOf)
      .to('far', far.spec);
    await engine.deploy(channel.definition, 'v1');
    const hold = await engine.holds.add({ channel: 'one', key: 'a' }, analyst);
    const [receipt] = await source.send('a:1');
    expect(receipt?.outcome).toMatchObject({ status: 'error', error: { code: 'cancelled' } });
    await released(harness, hold.id);
    await quiet();
    expect(far.received).toEqual([]);
    await source.send('a:1');
    expect(far.received).toEqual(['a:1']);
  });

  test('refuses a key where order is not kept by key, and says in one line what to do instead', async () => {
    const { engine } = await started();
    const channel = defineChannel('one')
      .from(manualSource().spec)
      .keyBy(keyOf)
      .to('far', farEnd().spec)
      .to('strict', farEnd('strict').spec, { order: 'strict' })
      .to('loose', farEnd('loose').spec, { order: 'none' });
    await engine.deploy(channel.definition, 'v1');
    const total = defineChannel('total').from(manualSource().spec).to('far', farEnd('total').spec);
    await engine.deploy(total.definition, 'v1');
    const refusal = async (where: { channel: string; destination?: string }) => {
      const refused = await engine.holds.add({ ...where, key: 'a' }, analyst).catch((thrown: unknown) => thrown);
      expect(refused).toMatchObject({ code: 'not-allowed', message: expect.not.stringContaining('\n') });
      return (refused as Error).message;
    };
    expect(await refusal({ channel: 'one', destination: 'strict' })).toMatch(
      /^holding at one: strict keeps all its messages in one order.* \(--destination strict --all\) or a type$/,
    );
    expect(await refusal({ channel: 'one', destination: 'loose' })).toMatch(/loose keeps no order.* or a type$/);
    expect(await refusal({ channel: 'one' })).toMatch(/; by key hold at far only \(--destination\)$/);
    expect(await refusal({ channel: 'total' })).toMatch(/it has no key: .*\(--all\)$/);
    expect(engine.holds.list()).toEqual([]);
    expect(await engine.holds.add({ channel: 'one', destination: 'far', key: 'a' }, analyst)).toMatchObject({
      key: 'a',
    });
  });

  test('a hold on a key says so where a later definition keeps no order by key', async () => {
    const { engine } = await started();
    const ordered = (order: 'key' | 'strict' | 'none') =>
      defineChannel('one').from(manualSource().spec).keyBy(keyOf).to('far', farEnd().spec, { order }).definition;
    await engine.deploy(ordered('key'), 'v1');
    const hold = await engine.holds.add({ channel: 'one', key: 'a' }, analyst);
    const everything = await engine.holds.add({ channel: 'one', all: true }, analyst);
    expect(unkeyedAt(ordered('key'), hold)).toEqual([]);
    expect(unkeyedAt(ordered('strict'), everything)).toEqual([]);
    expect(unkeyedAt(ordered('strict'), hold)).toEqual([
      expect.stringMatching(
        /^hold \S+ on one key at one\/far: it keeps all its messages in one order, .*; weir release \S+ ends/,
      ),
    ]);
    expect(unkeyedAt(ordered('none'), hold)).toEqual([expect.stringContaining('it keeps no order')]);
    const total = defineChannel('one').from(manualSource().spec).to('far', farEnd().spec).definition;
    expect(unkeyedAt(total, hold)).toEqual([expect.stringContaining('it has no keys any more')]);
  });

  test('refuses what it could not keep: the answer of a query, what is not there', async () => {
    const { engine, store } = await started();
    const [source, far, strict] = [manualSource(), farEnd(), farEnd('strict')];
    const channel = defineChannel('one', { replyFrom: 'far' })
      .from(source.spec)
      .keyBy(keyOf)
      .to('far', far.spec)
      .to('strict', strict.spec, { order: 'strict' });
    await engine.deploy(channel.definition, 'v1');
    const add = engine.holds.add.bind(engine.holds);
    const reply = { channel: 'one', destination: 'far', all: true } as const;
    await expect(add(reply, analyst)).rejects.toMatchObject({ code: 'not-allowed' });
    await expect(add({ channel: 'two', all: true }, analyst)).rejects.toMatchObject({ code: 'not-found' });
    const nowhere = { channel: 'one', destination: 'x', all: true } as const;
    await expect(add(nowhere, analyst)).rejects.toMatchObject({ code: 'not-found' });
    const [one, two] = [
      await add({ channel: 'one', type: 'ADT' }, analyst),
      await add({ channel: 'one', type: 'ADT' }, analyst),
    ];
    expect(two.id).toBe(one.id);
    const trail = await store.auditTrail({ limit: 10 });
    expect(trail.filter(({ action }) => action === 'hold')).toMatchObject([{ actor: 'analyst', reason: 'test' }]);
  });
});
