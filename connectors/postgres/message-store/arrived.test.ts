import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { PostgresSession } from '../../../clients/postgres/session.ts';
import { testDatabase } from '../../../clients/postgres/testing/database.ts';
import type { SharedPage } from '../../../core/store/shared-store.ts';
import {
  anyBytes,
  appendOne,
  channel,
  newMessage,
  sentPart,
  seqOf,
  settlement,
  start,
} from '../../../core/testing/store-fixture.ts';
import { openPostgresStore, type PostgresStore } from './postgres-store.ts';
import { migrate, partitionStatements } from './schema.ts';

const database = await testDatabase(import.meta.filename);
afterAll(() => database[Symbol.asyncDispose]());

describe.skipIf(database.missing)('messages that arrived together', () => {
  const open = (hub: string) => openPostgresStore({ server: database.server, hub, now: () => start });
  const rows = async () => Number((await database.sql('SELECT count(*) FROM weir.arrived'))[0]?.[0]);
  const appendThree = async (store: PostgresStore) =>
    (await store.append(channel, [newMessage(), newMessage(), newMessage()])).map(seqOf);
  const page = (store: PostgresStore, asked: Partial<SharedPage> = {}) =>
    store.shared.unrouted(channel, { of: 'all', known: () => [], limit: 10, maxBytes: anyBytes, ...asked });
  const settle = (store: PostgresStore, seqs: readonly number[]) =>
    store.settle(
      channel,
      seqs.map((seq) => settlement(seq, [sentPart('lab')])),
    );
  afterEach(() => database.sql('DROP SCHEMA IF EXISTS weir CASCADE'));

  it('have one row, until the last of them is settled', async () => {
    await using store = await open('one');
    const [first = 0, second = 0, third = 0] = await appendThree(store);
    expect(await rows()).toBe(1);
    await settle(store, [second]);
    expect((await store.unrouted(channel, 0, 10, anyBytes)).map(({ seq }) => seq)).toEqual([first, third]);
    await settle(store, [first]);
    expect(await rows()).toBe(1);
    await settle(store, [third]);
    expect(await rows()).toBe(0);
    expect((await store.counts())[0]).toMatchObject({ received: 3, unrouted: 0 });
  });

  it('are settled in parts by two hubs, and counted once', async () => {
    await using one = await open('one');
    await using two = await open('two');
    const seqs = await appendThree(one);
    const [read] = await page(two, { limit: 1, maxBytes: 1 });
    expect(read).toMatchObject({ seq: seqs[0], own: false });
    await settle(two, seqs.slice(0, 1));
    await settle(one, seqs);
    await settle(two, seqs);
    expect((await one.counts())[0]).toMatchObject({ received: 3, unrouted: 0, destinations: [{ sent: 3 }] });
    expect(await rows()).toBe(0);
    expect(await two.shared.foreign([channel])).toEqual(new Set());
  });

  it('are forgotten with the last of them where another hub has settled some meanwhile', async () => {
    await using one = await open('one');
    await using two = await open('two');
    const [first = 0, second = 0, third = 0] = await appendThree(one);
    expect((await page(two)).map(({ seq }) => seq)).toEqual([first, second, third]);
    await settle(two, [first]);
    expect((await page(one)).map(({ seq }) => seq)).toEqual([second, third]);
    await settle(one, [second, third]);
    expect(await rows()).toBe(0);
  });

  it.each([
    ['in the order in which they were read', [0, 1, 2]],
    ['the last first', [2, 1, 0]],
  ] as const)('are forgotten with the last of them where they were read in several pages and settled %s', async (_, order) => {
    await using one = await open('one');
    await using two = await open('two');
    const seqs = await appendThree(one);
    const later = await appendThree(one);
    expect(await page(two, { limit: 1 })).toHaveLength(1);
    expect(await page(two, { known: () => seqs.slice(0, 1) })).toHaveLength(5);
    for (const at of order) await settle(two, [seqs[at]!]);
    expect(await rows()).toBe(1);
    await settle(two, later);
    expect(await rows()).toBe(0);
    expect(await two.shared.foreign([channel])).toEqual(new Set());
  });

  it('are found where an earlier version has stored them one by one', async () => {
    const options = { applicationName: 'test', connectTimeoutMs: 10_000, answerTimeoutMs: 60_000 };
    const session = await PostgresSession.open(database.server, options);
    await migrate(session, 'weir', 'weir', 4);
    for (const text of partitionStatements('weir', 0, false)) await session.ask(text);
    await session.ask('INSERT INTO weir.slot (slot) VALUES (0)');
    await session.ask(`INSERT INTO weir.name (text) VALUES ('${channel}')`);
    await session.ask(`SELECT nextval('weir.epoch')`);
    for (const seq of [1, 2]) {
      await session.ask(`SELECT nextval('weir.seq')`);
      await session.ask(`INSERT INTO weir.message (seq, channel, id, received_at, size, hub)
        VALUES (${seq}, 1, gen_random_uuid(), ${start}, 2, 1)`);
      await session.ask(`INSERT INTO weir.raw VALUES (${seq}, 'ab')`);
      await session.ask(`INSERT INTO weir.unrouted (channel, seq, size, day, hub, epoch, recoveries, counted)
        VALUES (1, ${seq}, 2, 20000, 1, 1, ${seq - 1}, 0)`);
    }
    await session.close();
    await using store = await open('one');
    expect((await store.unrouted(channel, 0, 10, anyBytes)).map(({ seq }) => seq)).toEqual([1, 2]);
    expect((await store.countRecoveries(channel, 10)).map(({ recoveries }) => recoveries)).toEqual([1, 2]);
    await settle(store, [1, 2]);
    expect(await rows()).toBe(0);
    expect(await appendOne(store)).toBeGreaterThan(2);
  });
});
