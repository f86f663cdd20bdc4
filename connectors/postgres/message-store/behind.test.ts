import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PostgresSession } from '../../../clients/postgres/session.ts';
import { CuttingProxy } from '../../../clients/postgres/testing/cutting-proxy.ts';
import { testDatabase } from '../../../clients/postgres/testing/database.ts';
import { appendOne, channel, newId, newMessage, seqOf, start } from '../../../core/testing/store-fixture.ts';
import { openPostgresStore, type PostgresStore } from './postgres-store.ts';

const database = await testDatabase(import.meta.filename);
afterAll(() => database[Symbol.asyncDispose]());

/** Enough for a commit to be sent behind another. */
const many = 30;

describe.skipIf(database.missing)('a commit that is sent before the one before it is answered', () => {
  let proxy: CuttingProxy;
  let store: PostgresStore;
  let isOver = false;

  beforeEach(async () => {
    proxy = await CuttingProxy.before(database.server);
    const server = proxy.server;
    store = await openPostgresStore({
      server,
      hub: 'one',
      now: () => start,
      patienceMs: 30_000,
      answerTimeoutMs: 2_000,
    });
    // What the first commits have to learn.
    for (let turn = 0; turn < 3; turn++) await appendOne(store);
  });
  afterEach(async () => {
    await store[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
    await database.sql('DROP SCHEMA IF EXISTS weir CASCADE');
  });

  /** So many appends at once, of which the first may have a key; with their seqs. */
  const wave = (words: string, key?: string) =>
    Promise.allSettled(
      Array.from({ length: many }, async (_, at) => {
        const raw = Buffer.from(`${words} ${at}`);
        const message = newMessage({ raw, ...(at === 0 && key !== undefined && { key }) });
        return seqOf((await store.append(channel, [message]))[0]!);
      }),
    );

  /** The second is on its way before the first, which waits for a lock, is answered. */
  async function twoWaves(key: string) {
    const options = { applicationName: 'test', connectTimeoutMs: 30_000, answerTimeoutMs: 30_000 };
    const holding = await PostgresSession.open(database.server, options);
    await holding.ask('SELECT pg_advisory_lock(1)');
    isOver = false;
    const first = wave('first', key).finally(() => (isOver = true));
    await proxy.saw('first 0');
    const second = wave('second');
    await proxy.saw('second 0');
    expect(isOver).toBe(false);
    await holding.close();
    return { first: await first, second: await second };
  }
  const stored = async () => (await store.find({ limit: 1_000, ascending: true })).messages.map(({ seq }) => seq);

  it('comes about after it', async () => {
    await database.sql(`CREATE FUNCTION weir.wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF NEW.key = 'slow' THEN PERFORM pg_advisory_xact_lock(1); END IF; RETURN NEW; END $$`);
    await database.sql('CREATE TRIGGER wait BEFORE INSERT ON weir.message FOR EACH ROW EXECUTE FUNCTION weir.wait()');
    const { first, second } = await twoWaves('slow');
    const seqs = [...first, ...second].map((each) => (each.status === 'fulfilled' ? each.value : Number.NaN));
    expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
    expect(await stored()).toEqual(expect.arrayContaining(seqs));
    expect(await stored()).toHaveLength(3 + 2 * many);
  });

  it.for([
    ['as it runs', 'BEFORE INSERT ON weir.message FOR EACH ROW'],
    ['at its end', 'AFTER INSERT ON weir.message DEFERRABLE INITIALLY DEFERRED FOR EACH ROW'],
  ] as const)('is made again after it, where that one fails %s', async ([, when]) => {
    await database.sql(`CREATE FUNCTION weir.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF NEW.key = 'bad' THEN PERFORM pg_advisory_xact_lock(1); RAISE EXCEPTION 'bad'; END IF; RETURN NEW; END $$`);
    const kind = when.startsWith('AFTER') ? 'CONSTRAINT TRIGGER' : 'TRIGGER';
    await database.sql(`CREATE ${kind} refuse ${when} EXECUTE FUNCTION weir.refuse()`);
    const { first, second } = await twoWaves('bad');
    expect(first[0]).toMatchObject({ status: 'rejected' });
    const seqs = [...first.slice(1), ...second].map((each) => (each.status === 'fulfilled' ? each.value : Number.NaN));
    expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
    expect(await stored()).toHaveLength(3 + 2 * many - 1);
    expect((await store.counts())[0]).toMatchObject({ received: 3 + 2 * many - 1, unrouted: 3 + 2 * many - 1 });
  });

  it.for([
    'alone',
    'beside another hub',
  ])('is made once where it reaches the server late, over a connection that was given up (%s)', async (how) => {
    const other =
      how === 'alone' ? undefined : await openPostgresStore({ server: database.server, hub: 'two', now: () => start });
    for (let turn = 0; other && turn < 3; turn++) for (const each of [other, store]) await appendOne(each);
    const before = (await stored()).length;
    proxy.hold();
    const id = newId();
    const seq = await appendOne(store, { id });
    await proxy.deliver();
    expect((await store.find({ id, limit: 10 })).messages).toMatchObject([{ seq }]);
    expect(await stored()).toHaveLength(before + 1);
    expect((await store.counts())[0]).toMatchObject({ received: before + 1, unrouted: before + 1 });
    await other?.[Symbol.asyncDispose]();
  });
});
