import { describe, expect, test } from 'vitest';
import { defineChannel } from '../../builder.ts';
import type { Batching } from '../../destination.ts';
import type { HubError } from '../../errors.ts';
import { analyst, engineHarness, eventually, farEnd, keyOf, manualSource } from '../../testing/engine-harness.ts';
import { nightly } from '../../testing/nightly.ts';
import { faultsOf, faulty, seeded, stores } from '../../testing/order-faults.ts';
import type { HoldRequest } from './job.ts';

describe.each(Object.entries(stores))('order per key on the %s store, with holds', (_name, open) => {
  test.each<[Batching, number]>([
    ['independent', 11],
    ['prefix', 14],
    ['atomic', 15],
    ...(nightly ? ([12, 13, 16, 17] as const).map((seed): [Batching, number] => ['independent', seed]) : []),
  ])(
    'holds and releases amid failures, merges, outages and restarts keep it and lose nothing: %s, seed %i',
    async (batching, seed) => {
      const random = seeded(seed);
      const { store, close } = await open();
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
      const hold = async () => {
        const dice = random();
        const request: HoldRequest =
          dice < 0.5
            ? { channel: 'mixed', key: `k${Math.floor(random() * 25)}` }
            : dice < 0.9
              ? { channel: 'mixed', type: `T${Math.floor(random() * 4)}` }
              : { channel: 'mixed', all: true };
        await harness.engine.holds.add(request, analyst);
      };
      const release = async () => {
        const held = harness.engine.holds.list();
        const one = held[Math.floor(random() * held.length)];
        if (one) await harness.engine.jobs.create({ verb: 'release', hold: one.id, rate: 2_000 }, analyst);
      };
      const total = 900;
      for (let n = 0; n < total; n++) {
        if (n % 300 === 150) away = true;
        if (n % 300 === 240) away = false;
        if (n % 45 === 20) await hold();
        if (n % 60 === 50) await release();
        if (n === 400 || n === 700) {
          await harness[Symbol.asyncDispose]();
          harness = await engineHarness({ store });
          await harness.engine.deploy(definition, 'v1');
        }
        const key = `k${Math.floor(random() * 25)}`;
        const body = random() < 0.08 ? `${key}+m${Math.floor(random() * 5)}:${n}` : `${key}:${n}`;
        await source.offer({ raw: Buffer.from(body), meta: { 'hl7.type': `T${Math.floor(random() * 40)}` } });
        if (n % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 3));
      }
      away = false;
      for (const { id } of harness.engine.holds.list())
        await harness.engine.jobs.create({ verb: 'release', hold: id, rate: 2_000 }, analyst).catch((thrown) => {
          // An earlier release of it has just come to its end.
          if ((thrown as HubError).code !== 'not-found') throw thrown;
        });
      await eventually(() => far.received.length >= total);
      expect(faultsOf(far.received)).toEqual([]);
      expect(new Set(far.received).size).toBe(total);
      await eventually(async () => {
        const [status] = await harness.engine.status();
        const done = status?.counts.queued === 0 && status.destinations[0]?.heldKeys === 0;
        return done && harness.engine.holds.list().length === 0;
      }, 30_000);
      await harness[Symbol.asyncDispose]();
      await close();
    },
    180_000,
  );
});
