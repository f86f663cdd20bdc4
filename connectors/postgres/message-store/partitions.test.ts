import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { testDatabase } from '../../../clients/postgres/testing/database.ts';
import {
  analyst,
  appendOne,
  channel,
  errorPart,
  newId,
  newMessage,
  queuedPart,
  sentPart,
  settlement,
  start,
  textOf,
  toSent,
} from '../../../core/testing/store-fixture.ts';
import type { PostgresStoreOptions } from './options.ts';
import { openPostgresStore, type PostgresStore } from './postgres-store.ts';
import { slotOf, slotSpan } from './schema.ts';

const dayMs = 86_400_000;
const database = await testDatabase(import.meta.filename);
afterAll(() => database[Symbol.asyncDispose]());

describe.skipIf(database.missing)('partitions', () => {
  let now = start;
  afterEach(async () => {
    now = start;
    await database.sql('DROP SCHEMA IF EXISTS weir CASCADE');
  });
  const open = (options: Partial<PostgresStoreOptions> = {}) =>
    openPostgresStore({ server: database.server, hub: 'one', now: () => now, timeZone: 'UTC', ...options });
  const tables = async () =>
    (await database.sql("SELECT relname FROM pg_class WHERE relname ~ '^raw_[0-9]+$' ORDER BY relname")).flat();
  const rowsOf = async (table: string) => Number((await database.sql(`SELECT count(*) FROM weir.${table}`))[0]?.[0]);
  const settled = async (store: PostgresStore, to = channel) => {
    const seq = await appendOne(store, { receivedAt: now }, to);
    await store.settle(to, [settlement(seq, [{ ...sentPart('lab'), bytes: new Uint8Array(9) }])]);
    return seq;
  };
  /** Opens it anew, which is when a new day begins a new partition at the latest. */
  const onDay = async (store: PostgresStore, day: number, options: Partial<PostgresStoreOptions> = {}) => {
    await store[Symbol.asyncDispose]();
    now = start + day * dayMs;
    return await open(options);
  };

  it('begin with each day; seqs go on rising, and the next one is there ahead', async () => {
    let store = await open();
    const first = await settled(store);
    store = await onDay(store, 1);
    const second = await settled(store);
    expect([slotOf(first), slotOf(second)]).toEqual([0, 1]);
    expect(await tables()).toEqual(['raw_0', 'raw_1', 'raw_2']);
    expect((await store.find({ limit: 9, ascending: true })).messages.map(({ seq }) => seq)).toEqual([first, second]);
    expect((await store.find({ limit: 9, from: now - 1000 })).messages.map(({ seq }) => seq)).toEqual([second]);
    await store[Symbol.asyncDispose]();
  });

  it('are made on demand where one day has more than its seqs', async () => {
    await using store = await open();
    await settled(store);
    await database.sql(`SELECT setval('weir.seq', ${3 * slotSpan - 2})`);
    const seqs = [await settled(store), await settled(store), await settled(store)];
    expect(seqs.map(slotOf)).toEqual([2, 3, 3]);
    expect((await store.counts())[0]).toMatchObject({ received: 4, unrouted: 0 });
  });

  it('are dropped as a whole when every channel is past its age, and change no count', async () => {
    let store = await open();
    await settled(store);
    await settled(store);
    await settled(store, 'oru');
    store = await onDay(store, 1);
    const young = await settled(store);
    const counted = await store.counts();
    const policy = { contentBefore: now, messagesBefore: now };
    expect(await store.prune(channel, policy)).toEqual({ contents: 0, messages: 0 });
    expect(await rowsOf('message_0')).toBe(3);
    expect(await store.prune('oru', policy)).toEqual({ contents: 1, messages: 1 });
    expect(await tables()).toEqual(['raw_1', 'raw_2']);
    expect((await store.find({ limit: 9 })).messages.map(({ seq }) => seq)).toEqual([young]);
    expect(await store.counts()).toEqual(counted);
    store = await onDay(store, 1);
    expect(await settled(store)).toBeGreaterThan(young);
    await store[Symbol.asyncDispose]();
  });

  it('keep what is queued or an open error; when they have waited too long, the rest goes row by row', async () => {
    let store = await open();
    const queued = await appendOne(store, { receivedAt: now });
    const dead = await appendOne(store, { id: newId(), receivedAt: now });
    await store.settle(channel, [
      settlement(queued, [queuedPart('lab', 'ready')]),
      settlement(dead, [errorPart('lab', { bytes: new Uint8Array(3) })]),
    ]);
    for (let index = 0; index < 4; index++) await settled(store);
    store = await onDay(store, 1);
    const policy = { contentBefore: now, messagesBefore: now };
    expect((await store.prune(channel, policy)).messages).toBe(4);
    expect((await store.find({ limit: 9, ascending: true })).messages.map(({ seq }) => seq)).toEqual([queued, dead]);
    await store.update(channel, [toSent(queued)]);
    await store.update(channel, [{ destination: 'lab', seq: dead, n: 0, from: 'error', to: 'resolved', by: analyst }]);
    expect((await store.prune(channel, policy)).messages).toBeGreaterThan(0);
    expect((await store.find({ limit: 9 })).messages).toEqual([]);
    await store[Symbol.asyncDispose]();
  });

  it('that another channel needs for longer lose the rows of this one a day later', async () => {
    const patient = { dropDelayMs: 1.5 * dayMs };
    let store = await open(patient);
    for (let index = 0; index < 3; index++) await settled(store);
    await settled(store, 'oru');
    store = await onDay(store, 1, patient);
    const current = await settled(store);
    const all = () => ({ contentBefore: now + 1, messagesBefore: now + 1 });
    await store.prune('oru', { contentBefore: 0, messagesBefore: 0 });
    // Only what is in the current partition; a partition that has ended is spared.
    expect(await store.prune(channel, { ...all(), messagesBefore: 0, step: 2 })).toEqual({ contents: 1, messages: 0 });
    expect(await rowsOf('raw_0')).toBe(4);
    store = await onDay(store, 3, patient);
    expect(await store.prune(channel, { ...all(), messagesBefore: 0, step: 2 })).toEqual({ contents: 3, messages: 0 });
    expect(await store.prune(channel, all())).toEqual({ contents: 0, messages: 4 });
    expect((await store.find({ limit: 9 })).messages).toMatchObject([{ channel: 'oru' }]);
    expect(await rowsOf('raw_0')).toBe(1);
    expect(current).toBeGreaterThan(slotSpan);
    await store[Symbol.asyncDispose]();
  });

  it('lose their content as a whole first', async () => {
    let store = await open();
    const id = newId();
    await store.append(channel, [newMessage({ id, receivedAt: now })]);
    const [unrouted] = await store.unrouted(channel, 0, 1, 1);
    await store.settle(channel, [settlement(unrouted!.seq, [sentPart('lab')])]);
    expect(textOf((await store.content(id, analyst))?.raw)).toBe('MSH|raw');
    store = await onDay(store, 1);
    expect(await store.prune(channel, { contentBefore: now, messagesBefore: 0 })).toEqual({ contents: 1, messages: 0 });
    const content = await store.content(id, analyst);
    expect(content?.status).toBe('sent');
    expect(content?.raw).toBeUndefined();
    await store[Symbol.asyncDispose]();
  });

  it('refuse appends at the limit of bytes, and take settlements', async () => {
    let store = await open();
    const seq = await appendOne(store);
    await store[Symbol.asyncDispose]();
    store = await open({ maxBytes: 1_000 });
    expect(await store.usage()).toMatchObject({ full: true });
    await expect(store.append(channel, [newMessage()])).rejects.toMatchObject({
      code: 'store-full',
      kind: 'transient',
    });
    await store.settle(channel, [settlement(seq, [sentPart('lab')])]);
    expect((await store.counts())[0]).toMatchObject({ unrouted: 0 });
    await store[Symbol.asyncDispose]();
  });
});
