import { describe, expect, test } from 'vitest';
import { defineChannel } from '../builder.ts';
import type { Batching } from '../destination.ts';
import { engineHarness, eventually, farEnd, keyOf, manualSource } from '../testing/engine-harness.ts';
import { faultsOf, faulty, seeded, stores } from '../testing/order-faults.ts';

describe.each(Object.keys(stores))('order per key on the %s store', (name) => {
  test.each<[Batching, number]>([
    ['independent', 1],
    ['independent', 2],
    ['prefix', 3],
    ['atomic', 4],
  ])(
    'a mix of failures, merges, outages, stops and restarts keeps it and loses nothing: %s, seed %i',
    async (batching, seed) => {
      const random = seeded(seed);
      const { store, close } = await stores[name]!();
      const source = manualSource();
      const far = farEnd('far', { batching, maxBatch: 7, concurrency: 3 });
      let away = false;
      faulty(far, batching === 'atomic', random, () => away);
      const { definition } = defineChannel('mixed', { limits: { maxInFlight: 60, drainMs: 20 } })
        .from(source.spec)
        .keyBy((payload) => keyOf(payload).split('+'))
        .to('far', far.spec, { retry: { initialMs: 5, maxMs: 20 } });
      let harness = await engineHarness({ store });
      await harness.engine.deploy(definition, 'v1');
      const by = { actor: 'test', reason: 'test' };
      const total = 1_200;
      for (let n = 0; n < total; n++) {
        if (n % 300 === 150) away = true;
        if (n % 300 === 240) away = false;
        if (n % 400 === 200) await harness.engine.stopDestination('mixed', 'far', by);
        if (n % 400 === 230) await harness.engine.startDestination('mixed', 'far', by);
        if (n === 500 || n === 900) {
          await harness[Symbol.asyncDispose]();
          harness = await engineHarness({ store });
          await harness.engine.deploy(definition, 'v1');
        }
        const key = `k${Math.floor(random() * 25)}`;
        await source.offer(random() < 0.08 ? `${key}+m${Math.floor(random() * 5)}:${n}` : `${key}:${n}`);
        if (n % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 3));
      }
      away = false;
      await eventually(() => far.received.length >= total);
      expect(faultsOf(far.received)).toEqual([]);
      expect(new Set(far.received).size).toBe(total);
      const settled = async () => {
        const [status] = await harness.engine.status();
        return status?.counts.queued === 0 && status.destinations[0]?.heldKeys === 0;
      };
      await eventually(settled);
      await harness[Symbol.asyncDispose]();
      await close();
    },
    40_000,
  );
});
