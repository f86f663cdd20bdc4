import { describe, expect, test } from 'vitest';
import { defineChannel } from '../builder.ts';
import {
  analyst,
  eventually,
  failing,
  farEnd,
  harnessPerTest,
  keyOf,
  manualSource,
  text,
} from '../testing/engine-harness.ts';
import { many } from '../transform.ts';

const started = harnessPerTest();

const perKey = (received: readonly string[]) => {
  const order = new Map<string, number[]>();
  for (const each of received) {
    const [keys = '', n = ''] = each.split(':');
    for (const key of keys.split('+')) order.set(key, [...(order.get(key) ?? []), Number(n)]);
  }
  return order;
};
const expectOrdered = (received: readonly string[]) => {
  for (const [key, numbers] of perKey(received)) expect(numbers, key).toEqual([...numbers].sort((a, b) => a - b));
};

describe('order', () => {
  test('rule 2: a step that sleeps at random keeps order per key, and a merge of two keys stands between both', async () => {
    const { engine } = await started();
    const [source, far] = [manualSource(), farEnd()];
    const channel = defineChannel('sleepy')
      .from(source.spec)
      .keyBy((payload) => keyOf(payload).split('+'))
      .through(async (payload) => {
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 6));
        return payload;
      })
      .to('far', far.spec);
    await engine.deploy(channel.definition, 'v1');
    const bodies: string[] = [];
    for (let n = 0; n < 300; n++) bodies.push(n % 29 === 0 ? `a+b:${n}` : `${'abcdef'[n % 6]}:${n}`);
    await source.send(...bodies);
    await eventually(() => far.received.length === 300);
    expectOrdered(far.received);
    // Different keys did overtake each other: the order was not just total.
    expect(far.received).not.toEqual(bodies);
  });

  test('rule 3: what was being sent at a halt goes before what came after it and is a row of the queue', async () => {
    const first = await started();
    const [source, far] = [manualSource(), farEnd('far', { maxBatch: 1 })];
    far.onBatch = (_batch, { signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
    const { definition } = defineChannel('halted', { limits: { maxInFlight: 40 } })
      .from(source.spec)
      .keyBy(keyOf)
      .to('far', far.spec);
    await first.engine.deploy(definition, 'v1');
    await source.send(...Array.from({ length: 40 }, (_, n) => `${'abc'[n % 3]}:${n}`));
    await eventually(async () => ((await first.engine.status())[0]?.destinations[0]?.queued ?? 0) > 0);
    await first.engine.halt('halted', analyst);
    const [counts] = await first.store.counts();
    expect(counts).toMatchObject({ unrouted: 1, destinations: [{ queued: 39 }] });
    far.onBatch = undefined;
    await first.engine.start('halted', analyst);
    await source.send('a:40', 'b:41');
    await eventually(() => far.received.length === 42);
    expectOrdered(far.received);
  });

  test('rule 2: without keys the channel is in total order', async () => {
    const { engine } = await started();
    const [source, far] = [manualSource(), farEnd()];
    const channel = defineChannel('total')
      .from(source.spec)
      .through(async (payload) => {
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 3));
        return payload;
      })
      .to('far', far.spec);
    await engine.deploy(channel.definition, 'v1');
    const bodies = Array.from({ length: 60 }, (_, n) => `x${n}:${n}`);
    await source.send(...bodies);
    await eventually(() => far.received.length === 60);
    expect(far.received).toEqual(bodies);
  });

  test('rule 3: a strict destination gets the total order, one message at a time, although the channel has keys', async () => {
    const { engine } = await started();
    const [source, far] = [manualSource(), farEnd()];
    const channel = defineChannel('strict')
      .from(source.spec)
      .keyBy(keyOf)
      .through(async (payload) => {
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 3));
        return payload;
      })
      .to('far', far.spec, { order: 'strict' });
    await engine.deploy(channel.definition, 'v1');
    const bodies = Array.from({ length: 60 }, (_, n) => `${n % 7}:${n}`);
    await source.send(...bodies);
    await eventually(() => far.received.length === 60);
    expect(far.received).toEqual(bodies);
    expect(far.largestBatch).toBe(1);
  });

  test('a failing message holds back its own key only, and its key goes on in order after it', async () => {
    const { engine } = await started();
    const [source, far] = [manualSource(), farEnd()];
    let down = true;
    far.answer = (message) => (down && keyOf(message.payload) === 'bad' ? failing.passing() : { status: 'sent' });
    const channel = defineChannel('held')
      .from(source.spec)
      .keyBy(keyOf)
      .to('far', far.spec, { retry: { initialMs: 20, maxMs: 40 } });
    await engine.deploy(channel.definition, 'v1');
    const bodies = Array.from({ length: 200 }, (_, n) => `${n % 4 === 0 ? 'bad' : `ok${n % 5}`}:${n}`);
    for (const body of bodies) await source.offer(body);
    await eventually(() => far.received.length === 150);
    expect(far.received.every((each) => !each.startsWith('bad'))).toBe(true);
    down = false;
    await eventually(() => far.received.length === 200);
    expectOrdered(far.received);
    // What comes now finds the key free again.
    await source.send('bad:999');
    await eventually(() => far.received.includes('bad:999'));
    await eventually(async () => (await engine.status())[0]?.destinations[0]?.sent === 201);
    const [status] = await engine.status();
    expect(status?.destinations[0]).toMatchObject({ queued: 0, heldKeys: 0 });
  });

  test('two-key messages behind two failing keys wait for both, whichever recovers first', async () => {
    for (const first of ['a', 'b']) {
      const { engine } = await started();
      const [source, far] = [manualSource(), farEnd()];
      const down = new Set(['a', 'b']);
      far.answer = (message) => (down.has(message.payload.split(':')[0]!) ? failing.passing() : { status: 'sent' });
      const channel = defineChannel('merge')
        .from(source.spec)
        .keyBy((payload) => keyOf(payload).split('+'))
        .to('far', far.spec, { retry: { initialMs: 15, maxMs: 20 } });
      await engine.deploy(channel.definition, 'v1');
      await source.send('a:1', 'b:2', 'a+b:3', 'a:4', 'b:5', 'c:6', 'a+b:7', 'b:8');
      await eventually(() => far.received.length === 1);
      down.delete(first);
      await eventually(() => far.received.length >= 2);
      await source.send('a:9', 'b:10');
      await new Promise((resolve) => setTimeout(resolve, 60));
      expect(far.received).not.toContain('a+b:3');
      down.clear();
      await eventually(() => far.received.length === 10);
      expectOrdered(far.received);
    }
  });

  test('rule 16: one bad row in a batch of 500 that throws is exactly one dead letter', async () => {
    const { engine } = await started();
    const [source, far] = [manualSource(), farEnd('far', { batching: 'atomic', maxBatch: 500 })];
    far.onBatch = (batch) => {
      if (batch.some((message) => message.payload.endsWith(':250'))) throw new Error('value too long for column');
    };
    const channel = defineChannel('bisect')
      .from(source.spec)
      .keyBy(keyOf)
      .to('far', far.spec, { retry: { initialMs: 5, maxMs: 10, maxAttempts: 2 } });
    await engine.deploy(channel.definition, 'v1');
    await source.send(...Array.from({ length: 500 }, (_, n) => `k${n}:${n}`));
    await eventually(async () => (await engine.status())[0]?.destinations[0]?.errored === 1);
    await eventually(() => far.received.length === 499);
    expect(far.received).not.toContain('k250:250');
  });

  test('rule 23: a step that returns many outputs sends each, in order, and their worst outcome is the message’s', async () => {
    const { engine, store } = await started();
    const [source, far] = [manualSource(), farEnd()];
    far.answer = (message) => (message.payload.endsWith('b') ? failing.forGood() : { status: 'sent' });
    const channel = defineChannel('split', { ackAfter: 'settled' })
      .from(source.spec)
      .through((payload) => many([`${payload}a`, `${payload}b`, `${payload}c`]))
      .to('far', far.spec);
    await engine.deploy(channel.definition, 'v1');
    const [receipt] = await source.send('k:1');
    expect(receipt?.outcome.status).toBe('error');
    expect(far.received).toEqual(['k:1a', 'k:1c']);
    expect(far.effects).toEqual([`${receipt?.id}/far/0`, `${receipt?.id}/far/2`]);
    const page = await store.find({ id: receipt!.id!, limit: 1 });
    expect(page.messages[0]?.parts.map((part) => part.status)).toEqual(['sent', 'error', 'sent']);
  });

  test('rule 17: `hold-key` holds a dead letter’s key until somebody skips it; `stop` stops the destination', async () => {
    const { engine } = await started();
    const [source, hold, stop] = [manualSource(), farEnd('hold'), farEnd('stop')];
    for (const far of [hold, stop])
      far.answer = (message) => (message.payload === 'k:1' ? failing.forGood() : { status: 'sent' });
    const channel = defineChannel('dead')
      .from(source.spec)
      .keyBy(keyOf)
      .to('hold', hold.spec, { afterDeadLetter: 'hold-key' })
      .to('stop', stop.spec, { afterDeadLetter: 'stop' });
    await engine.deploy(channel.definition, 'v1');
    const [first] = await source.send('k:1');
    await eventually(async () => (await engine.status())[0]?.counts.openErrors === 2);
    await source.send('k:2', 'other:3');
    await eventually(() => hold.received.includes('other:3'));
    expect(hold.received).not.toContain('k:2');
    expect(stop.received).toEqual([]);
    await eventually(async () => (await engine.status())[0]?.destinations[1]?.queued === 2);
    expect((await engine.status())[0]?.destinations[1]).toMatchObject({ enabled: false });
    await engine.skip(first!.id!, analyst, { destination: 'hold' });
    await eventually(() => hold.received.includes('k:2'));
    await engine.startDestination('dead', 'stop', analyst);
    await eventually(() => stop.received.length === 2);
    expect((await engine.status())[0]?.destinations.map((each) => each.openErrors)).toEqual([0, 1]);
  });

  test('a format names what a payload is: what fails to decode is an open error and stops nobody', async () => {
    const { engine } = await started();
    const [source, far] = [manualSource(), farEnd()];
    const channel = defineChannel('decode', { ackAfter: 'settled' }).from(source.spec).keyBy(keyOf).to('far', far.spec);
    await engine.deploy(channel.definition, 'v1');
    const receipts = await source.send('!garbage', 'k:1');
    expect(receipts.map((each) => each.outcome.status)).toEqual(['error', 'sent']);
    expect(text.id).toBe('text');
  });
});
