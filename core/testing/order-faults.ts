import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WriteOutcome } from '../destination.ts';
import { openMemoryStore } from '../store/memory-store.ts';
import type { MessageStore } from '../store/message-store.ts';
import { openSqliteStore } from '../store/sqlite/sqlite-store.ts';
import { type FarEnd, failing } from './engine-harness.ts';

/** Mulberry32: the same seed, the same mix; what the clock and the disk add to it is chance all the same. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export interface OpenedStore {
  readonly store: MessageStore;
  close(): Promise<void>;
}

/** Each kind of store, by its name. */
export const stores: Readonly<Record<string, () => Promise<OpenedStore>>> = {
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

/** Bodies `key+key:n` that came behind a later one of a key, or twice. */
export function faultsOf(received: readonly string[]): readonly string[] {
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

/** Makes a far end slow now and then, fail now and then, and be away while `away()` says so. */
export function faulty(far: FarEnd, atomic: boolean, random: () => number, away: () => boolean): void {
  const decide = (): WriteOutcome => {
    if (away()) return failing.away();
    const dice = random();
    if (dice < 0.03) return failing.passing();
    return dice < 0.035 ? failing.uncertain() : { status: 'sent' };
  };
  const pause = async () => {
    if (random() < 0.2) await new Promise((resolve) => setTimeout(resolve, random() * 3));
  };
  if (atomic)
    far.onBatch = async () => {
      await pause();
      const outcome = decide();
      if ('error' in outcome) throw outcome.error;
    };
  else
    far.answer = async () => {
      await pause();
      return decide();
    };
}
