import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { newDatabase, serverOf, testDatabase } from '../../../clients/postgres/testing/database.ts';
import { ownService } from '../../../core/testing/services.ts';
import {
  analyst,
  appendOne,
  channel,
  newId,
  newMessage,
  sentPart,
  seqOf,
  settlement,
  start,
} from '../../../core/testing/store-fixture.ts';
import { openPostgresStore } from './postgres-store.ts';

const database = await testDatabase(import.meta.filename);
const own = await ownService('postgres', import.meta.filename);
afterAll(() => database[Symbol.asyncDispose]());

describe.skipIf(own.missing)('a server of its own', () => {
  it('that is killed again and again: everything that was answered is there, once and in order', async () => {
    await using service = await own.start();
    await using there = await newDatabase(serverOf(service.address), 'killed');
    await using store = await openPostgresStore({
      ...{ server: there.server, hub: 'one', now: () => start, patienceMs: 60_000 },
    });
    const answered: { id: string; seq: number }[] = [];
    let going = true;
    const submitter = async () => {
      while (going) {
        const message = newMessage();
        const seq = seqOf((await store.append(channel, [message]))[0]);
        answered.push({ id: message.id, seq });
        await store.settle(channel, [settlement(seq, [sentPart('lab')])]);
      }
    };
    const submitters = Array.from({ length: 20 }, submitter);
    for (let kill = 0; kill < 3; kill++) {
      await new Promise((resolve) => setTimeout(resolve, 400));
      await service.kill();
      await service.start();
    }
    const before = answered.length;
    await expect.poll(() => answered.length, { timeout: 30_000 }).toBeGreaterThan(before + 20);
    going = false;
    await Promise.all(submitters);
    const stored: { id: string; seq: number }[] = [];
    let cursor: string | undefined;
    do {
      const page = await store.find({ limit: 1_000, ascending: true, ...(cursor === undefined ? {} : { cursor }) });
      for (const { id, seq } of page.messages) stored.push({ id, seq });
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect(stored).toEqual(answered.toSorted((a, b) => a.seq - b.seq));
    expect((await store.counts())[0]).toMatchObject({ received: answered.length, unrouted: 0 });
  }, 120_000);

  it('that does not fsync is refused', async () => {
    await using service = await own.start({ settings: { fsync: 'off' } });
    const opening = openPostgresStore({ server: serverOf(service.address), hub: 'one', now: () => start });
    await expect(opening).rejects.toMatchObject({ code: 'store-failed', kind: 'permanent' });
    await expect(opening).rejects.toThrow(/fsync = off/);
  }, 60_000);
});

describe.skipIf(database.missing)('what the database refuses', () => {
  afterEach(() => database.sql('DROP SCHEMA IF EXISTS weir CASCADE'));
  const open = () => openPostgresStore({ server: database.server, hub: 'one', now: () => start });
  /** The server says what it says when it has no space left: for content of more than 1,000 bytes. */
  const fillDisk = () =>
    database.sql(`CREATE FUNCTION weir.full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF length(NEW.bytes) > 1000 THEN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END IF;
      RETURN NEW; END $$;
      CREATE TRIGGER full_disk BEFORE INSERT ON weir.raw_0 FOR EACH ROW EXECUTE FUNCTION weir.full_disk()`);

  it('rules 11 and 26: a full disk is store-full; calls that shared the commit fail for their own reason only', async () => {
    await using store = await open();
    const first = await appendOne(store);
    await fillDisk();
    const raw = new Uint8Array(2_000);
    const [small, large, settled, again] = await Promise.allSettled([
      store.append(channel, [newMessage()]),
      store.append(channel, [newMessage({ raw })]),
      store.settle(channel, [settlement(first, [sentPart('lab')])]),
      store.append(channel, [newMessage()]),
    ]);
    expect([small.status, settled.status, again.status]).toEqual(['fulfilled', 'fulfilled', 'fulfilled']);
    expect(large).toMatchObject({
      status: 'rejected',
      reason: { code: 'store-full', kind: 'transient', scope: 'destination' },
    });
    expect((await store.counts())[0]).toMatchObject({ received: 3, unrouted: 2 });
    await database.sql('DROP TRIGGER full_disk ON weir.raw_0');
    expect(await appendOne(store, { raw })).toBeGreaterThan(0);
    expect((await store.usage()).backlogBytes).toBe(7 * 2 + 2_000);
  });

  it('a message with U+0000 in its text is stored like any other', async () => {
    await using store = await open();
    const id = newId();
    await appendOne(store, { id, meta: { odd: 'a\0b' }, key: 'k\0', dedupe: { key: 'd\0', contentHash: 'h' } });
    expect((await store.find({ id, limit: 1 })).messages[0]?.meta).toEqual({ odd: 'a\0b' });
    await store.audit({ ...analyst, at: start, action: 'x\0', subject: "it's \\ odd" });
    expect((await store.auditTrail({ limit: 1 }))[0]?.subject).toBe("it's \\ odd");
  });

  it('an id that is no UUID is refused before anything is written', async () => {
    await using store = await open();
    await expect(store.append(channel, [newMessage({ id: 'x' })])).rejects.toMatchObject({ kind: 'permanent' });
    expect(await store.counts()).toEqual([]);
  });
});
