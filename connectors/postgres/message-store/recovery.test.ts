import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CutAt, CuttingProxy } from '../../../clients/postgres/testing/cutting-proxy.ts';
import { testDatabase } from '../../../clients/postgres/testing/database.ts';
import {
  analyst,
  anyBytes,
  appendOne,
  channel,
  enqueue,
  newId,
  newMessage,
  sentPart,
  seqOf,
  settlement,
  start,
  toSent,
} from '../../../core/testing/store-fixture.ts';
import type { PostgresStoreOptions } from './options.ts';
import { openPostgresStore, type PostgresStore } from './postgres-store.ts';

const database = await testDatabase(import.meta.filename);
afterAll(() => database[Symbol.asyncDispose]());

describe.skipIf(database.missing)('a database that goes away', () => {
  let proxy: CuttingProxy;
  let store: PostgresStore;
  const open = (options: Partial<PostgresStoreOptions> = {}) =>
    openPostgresStore({ server: proxy.server, hub: 'one', now: () => start, patienceMs: 10_000, ...options });
  const all = async () => (await store.find({ limit: 100_000, ascending: true })).messages;

  beforeEach(async () => {
    proxy = await CuttingProxy.before(database.server);
    store = await open();
  });
  afterEach(async () => {
    proxy.back();
    await store[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
    await database.sql('DROP SCHEMA IF EXISTS weir CASCADE');
  });

  it.each<CutAt>([
    'before-commit',
    'during-commit',
    'after-commit',
  ])('a commit that is cut %s is in the store once, and answered', async (at) => {
    await appendOne(store);
    proxy.cut(at);
    const id = newId();
    const seq = await appendOne(store, { id, dedupe: { key: 'k', contentHash: 'h' } });
    expect(proxy.cuts).toBe(1);
    expect((await store.find({ id, limit: 10 })).messages).toMatchObject([{ seq }]);
    expect((await store.counts())[0]).toMatchObject({ received: 2, unrouted: 2, duplicates: 0 });
    proxy.cut(at);
    await store.settle(channel, [settlement(seq, [sentPart('lab')])]);
    const queued = await enqueue(store, 'ready');
    proxy.cut(at);
    await store.update(channel, [toSent(queued)]);
    proxy.cut(at);
    await store.audit({ ...analyst, at: start, action: 'deploy', subject: channel });
    expect(proxy.cuts).toBe(4);
    expect((await store.counts())[0]).toMatchObject({
      received: 3,
      unrouted: 1,
      destinations: [{ sent: 2, queued: 0 }],
    });
    expect((await store.auditTrail({ limit: 9 })).map(({ n }) => n)).toEqual([1]);
  });

  it('a commit whose answer was lost tells which seqs it was given, where another hub has stored something meanwhile', async () => {
    await using other = await openPostgresStore({ server: database.server, hub: 'two', now: () => start });
    await appendOne(store);
    for (const at of ['after-commit', 'during-commit'] as const) {
      for (let turn = 0; turn < 3; turn++) await appendOne(other);
      proxy.cut(at);
      const [first, second] = [newMessage(), newMessage()];
      const seqs = (await store.append(channel, [first, second])).map(seqOf);
      expect((await store.find({ id: first.id, limit: 10 })).messages).toMatchObject([{ seq: seqs[0] }]);
      expect((await store.find({ id: second.id, limit: 10 })).messages).toMatchObject([{ seq: seqs[1] }]);
      await store.settle(
        channel,
        seqs.map((seq) => settlement(seq, [sentPart('lab')])),
      );
    }
    expect(proxy.cuts).toBe(2);
    expect((await store.counts())[0]).toMatchObject({ received: 11, unrouted: 7, destinations: [{ sent: 4 }] });
  });

  it('under load, cut again and again, everything that was answered is there once, in order', async () => {
    const moments: readonly CutAt[] = ['after-commit', 'during-commit', 'before-commit'];
    let cutting = true;
    const cutter = (async () => {
      for (let turn = 0; cutting; turn++) {
        proxy.cut(moments[turn % moments.length]!);
        await new Promise((resolve) => setTimeout(resolve, 100 + 37 * (turn % 4)));
      }
    })();
    const answered: { id: string; seq: number }[] = [];
    const submitter = async () => {
      for (let turn = 0; turn < 50 || proxy.cuts < 6; turn++) {
        const messages = [newMessage(), newMessage()];
        const seqs = (await store.append(channel, messages)).map(seqOf);
        for (const [index, seq] of seqs.entries()) answered.push({ id: messages[index]!.id, seq });
        await store.settle(
          channel,
          seqs.map((seq) => settlement(seq, [sentPart('lab')])),
        );
      }
    };
    await Promise.all(Array.from({ length: 24 }, submitter));
    cutting = false;
    await cutter;
    const stored = (await all()).map(({ id, seq }) => ({ id, seq }));
    expect(stored).toEqual(answered.toSorted((a, b) => a.seq - b.seq));
    const received = answered.length;
    expect(received).toBeGreaterThanOrEqual(2400);
    expect((await store.counts())[0]).toMatchObject({ received, unrouted: 0, destinations: [{ sent: received }] });
    expect((await store.usage()).backlogBytes).toBe(0);
  }, 60_000);

  it('rejects what has waited too long, transient, and recovers by itself', async () => {
    await store[Symbol.asyncDispose]();
    store = await open({ patienceMs: 300 });
    await appendOne(store);
    proxy.away();
    // A commit on a connection of which nobody has heard yet that it is broken is in doubt, and waits for the database.
    await new Promise((resolve) => setTimeout(resolve, 100));
    const started = performance.now();
    await expect(store.append(channel, [newMessage()])).rejects.toMatchObject({
      ...{ code: 'store-failed', kind: 'transient', scope: 'destination' },
    });
    await expect(store.counts()).rejects.toMatchObject({ code: 'store-failed', kind: 'transient' });
    expect(performance.now() - started).toBeLessThan(20_000);
    proxy.back();
    await expect.poll(() => appendOne(store).catch(() => 0)).toBeGreaterThan(0);
    expect(await store.unrouted(channel, 0, 10, anyBytes)).toHaveLength(2);
  });

  it('goes on after every connection was ended by the server', async () => {
    await appendOne(store);
    const calls = Array.from({ length: 50 }, () => appendOne(store));
    await database.sql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'weir one' AND datname = current_database()",
    );
    expect(new Set(await Promise.all(calls)).size).toBe(50);
    expect((await store.counts())[0]?.received).toBe(51);
  });

  it('gives up a connection that has gone silent, and ends what it left in the server', async () => {
    await store[Symbol.asyncDispose]();
    store = await open({ answerTimeoutMs: 700 });
    await appendOne(store);
    proxy.silence();
    const call = appendOne(store);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    proxy.back();
    await call;
    expect((await store.counts())[0]?.received).toBe(2);
  });
});
