import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { defineChannel } from '../../builder.ts';
import { eventually, farEnd, harnessPerTest, keyOf, manualSource } from '../../testing/engine-harness.ts';
import { faultsOf } from '../../testing/order-faults.ts';

const started = harnessPerTest();
const limits = { maxInFlight: 40 };
const bodiesOf = (count: number) => Array.from({ length: count }, (_, n) => `k${n % 7}:${n}`);

describe('what is in memory for a destination', () => {
  test.each([
    'independent',
    'prefix',
    'atomic',
  ] as const)('makes no rows of the queue while the destination keeps up: %s', async (batching) => {
    const { engine, store } = await started();
    let rows = 0;
    const settle = store.settle.bind(store);
    store.settle = (channel, batch, mayWait) => {
      for (const { parts } of batch) rows += parts.filter(({ status }) => status === 'queued').length;
      return settle(channel, batch, mayWait);
    };
    const [source, far] = [manualSource(), farEnd('far', { batching, maxBatch: 10 })];
    far.onBatch = () => pause(1).then(() => undefined);
    const { definition } = defineChannel('burst', { ackAfter: 'settled', limits })
      .from(source.spec)
      .keyBy(keyOf)
      .to('far', far.spec);
    await engine.deploy(definition, 'v1');
    const receipts = await source.send(...bodiesOf(40));
    expect(receipts.every(({ outcome }) => outcome.status === 'sent')).toBe(true);
    expect(rows).toBe(0);
  });

  test.each([
    'independent',
    'prefix',
    'atomic',
  ] as const)('goes to the queue where it is not done with in a moment, and holds up no other destination: %s', async (batching) => {
    const { engine } = await started();
    const [source, slow, quick] = [manualSource(), farEnd('slow', { batching, maxBatch: 3 }), farEnd('quick')];
    const gate = Promise.withResolvers<void>();
    slow.onBatch = () => gate.promise;
    const { definition } = defineChannel('held', { limits })
      .from(source.spec)
      .keyBy(keyOf)
      .to('slow', slow.spec)
      .to('quick', quick.spec);
    await engine.deploy(definition, 'v1');
    const bodies = bodiesOf(200);
    for (const body of bodies) await source.offer(body);
    await eventually(() => quick.received.length === 200);
    const queued = async () => (await engine.status())[0]!.destinations[0]!.queued;
    await eventually(async () => (await queued()) >= 200 - limits.maxInFlight / 2);
    expect(slow.received).toEqual([]);
    gate.resolve();
    await eventually(() => slow.received.length === 200);
    for (const { received } of [slow, quick]) {
      expect(faultsOf(received)).toEqual([]);
      expect(new Set(received)).toEqual(new Set(bodies));
    }
  });
});
