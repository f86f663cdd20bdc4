import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { defineChannel } from '../builder.ts';
import type { Batching } from '../destination.ts';
import { openMemoryStore } from '../store/memory-store.ts';
import type { MessageStore } from '../store/message-store.ts';
import { openSqliteStore } from '../store/sqlite/sqlite-store.ts';
import { engineHarness, eventually, failing, farEnd, keyOf, manualSource } from '../testing/engine-harness.ts';

/** Mulberry32: the same seed, the same mix; what the clock and the disk add to it is chance all the same. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const stores: Record<string, () => Promise<{ readonly store: MessageStore; close(): Promise<void> }>> = {
  memory: async () => ({ store: openMemoryStore({ now: Date.now }), close: async () => undefined }),
  SQLite: async () => {
    const directory = await mkdtemp(join(tmpdir(), 'weir-order-'));
    const store = await openSqliteStore({ directory, now: Date.now });
    return {
      store,
      close: async () => {
        await store[Symbol.asyncDispose]();
        await rm(directory, { recursive: true });
      },
    };
  },
};

/** Keys that were served out of order, and messages that came twice: `uncertain` ones may, in their place. */
function faultsOf(received: readonly string[]): readonly string[] {
  const faults: string[] = [];
  const last = new Map<string, number>();
  for (const each of received) {
    const [keys = '', n] = each.split(':');
    for (const key of keys.split('+')) {
      const before = last.get(key) ?? -1;
      if (before >= Number(n)) faults.push(`${each} after ${before} of ${key}`);
      last.set(key, Number(n));
    }
  }
  return faults;
}

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
      const decide = () => {
        if (away) return failing.away();
        const dice = random();
        if (dice < 0.03) return failing.passing();
        return dice < 0.035 ? failing.uncertain() : ({ status: 'sent' } as const);
      };
      const pause = async () => {
        if (random() < 0.2) await new Promise((resolve) => setTimeout(resolve, random() * 3));
      };
      if (batching === 'atomic') {
        far.onBatch = async () => {
          await pause();
          const outcome = decide();
          if ('error' in outcome) throw outcome.error;
        };
      } else {
        far.answer = async () => {
          await pause();
          return decide();
        };
      }
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
      await eventually(() => far.received.length >= total, 15_000);
      expect(faultsOf(far.received)).toEqual([]);
      expect(new Set(far.received).size).toBe(total);
      const settled = async () => {
        const [status] = await harness.engine.status();
        return status?.counts.queued === 0 && status.destinations[0]?.heldKeys === 0;
      };
      await eventually(settled, 5_000);
      await harness[Symbol.asyncDispose]();
      await close();
    },
    40_000,
  );
});
