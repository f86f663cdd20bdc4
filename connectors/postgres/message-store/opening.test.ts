import { hostname } from 'node:os';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { PostgresServer } from '../../../clients/postgres/server.ts';
import { serverOf, testDatabase } from '../../../clients/postgres/testing/database.ts';
import { freePort } from '../../../core/testing/free-port.ts';
import { service } from '../../../core/testing/services.ts';
import {
  analyst,
  anyBytes,
  appendOne,
  channel,
  newMessage,
  sentPart,
  settlement,
  start,
} from '../../../core/testing/store-fixture.ts';
import type { PostgresStoreOptions } from './options.ts';
import { openPostgresStore } from './postgres-store.ts';

const database = await testDatabase(import.meta.filename);
const bouncer = await service('pgbouncer', import.meta.filename);
afterAll(() => database[Symbol.asyncDispose]());

describe.skipIf(database.missing)('opening a store', () => {
  const { server } = database;
  afterEach(() => database.sql('DROP SCHEMA IF EXISTS weir CASCADE'));
  const open = (options: Partial<PostgresStoreOptions> = {}) =>
    openPostgresStore({ server, hub: 'one', now: () => start, leaseMs: 900, ...options });

  describe('a hub’s name', () => {
    it('is refused while a hub that has it is alive, also one that does nothing', async () => {
      await using store = await open();
      await expect(open()).rejects.toMatchObject({ code: 'store-locked', kind: 'permanent' });
      expect(await appendOne(store)).toBeGreaterThan(0);
    });

    it('is free at once after an orderly end, and after a crash on this machine', async () => {
      await (await open())[Symbol.asyncDispose]();
      const started = performance.now();
      await (await open({ leaseMs: 60_000 }))[Symbol.asyncDispose]();
      await database.sql(
        "UPDATE weir.hub SET held = true, seen = clock_timestamp(), pid = 2147483646 WHERE name = 'one'",
      );
      await (await open({ leaseMs: 60_000 }))[Symbol.asyncDispose]();
      expect(performance.now() - started).toBeLessThan(10_000);
    });

    it('is free after the lease, where the hub is on another machine', async () => {
      await (await open())[Symbol.asyncDispose]();
      await database.sql(`UPDATE weir.hub SET held = true, seen = clock_timestamp(), host = 'not ${hostname()}'`);
      const started = performance.now();
      await (await open())[Symbol.asyncDispose]();
      expect(performance.now() - started).toBeGreaterThan(700);
    });

    it('is a fence: an opening that has lost it writes nothing, and says so', async () => {
      await using store = await open();
      await appendOne(store);
      await database.sql("UPDATE weir.hub SET epoch = epoch + 1 WHERE name = 'one'");
      await expect(store.append(channel, [newMessage()])).rejects.toMatchObject({ code: 'store-locked' });
      expect(await store.failed).toMatchObject({ code: 'store-locked', kind: 'permanent' });
      await expect(store.settle(channel, [])).rejects.toMatchObject({ code: 'store-locked' });
      expect((await database.sql('SELECT count(*) FROM weir.message'))[0]).toEqual([1]);
    });
  });

  it('two hubs may start at once on an empty database, and share the store', async () => {
    const [two, three] = await Promise.all([open({ hub: 'two' }), open({ hub: 'three' })]);
    await using _two = two;
    await using _three = three;
    const dedupe = (index: number) => ({ key: `k${index % 10}`, contentHash: 'h' });
    const append = (to: typeof two) => Array.from({ length: 40 }, (_, index) => appendOneOf(to, dedupe(index)));
    const seqs = (await Promise.all([...append(two), ...append(three)])).filter((seq) => seq !== undefined);
    expect(new Set(seqs).size).toBe(10);
    await Promise.all(
      [two, three, two, three].map((store, index) =>
        store.audit({ ...analyst, at: start, action: `a${index}`, subject: 's' }),
      ),
    );
    expect((await two.auditTrail({ limit: 9 })).map(({ n }) => n)).toEqual([4, 3, 2, 1]);
    await two.settle(
      channel,
      seqs.slice(0, 5).map((seq) => settlement(seq, [sentPart('lab')])),
    );
    await three.settle(
      channel,
      seqs.map((seq) => settlement(seq, [sentPart('ris')])),
    );
    expect(await three.counts()).toMatchObject([
      { received: 10, duplicates: 70, unrouted: 0, destinations: [{ sent: 5 }, { sent: 5 }] },
    ]);
  });

  describe('says which setting is wrong, and never the password', () => {
    const secret = 'a-wrong-secret';
    const failing: readonly (readonly [string, Partial<PostgresServer>, RegExp])[] = [
      ['password', { password: secret }, /`user` and `password`/],
      ['user', { user: 'nobody_here', password: secret }, /`user`/],
      ['database', { database: 'nowhere' }, /`database`/],
      ['tls', { tls: { minVersion: 'TLSv1.2' } }, /`tls`/],
    ];
    it.each(failing)('%s', async (_name, changed, named) => {
      const thrown: unknown = await open({ server: { ...server, ...changed } }).then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(thrown).toMatchObject({ code: 'store-failed', kind: 'permanent' });
      expect(String(thrown)).toMatch(named);
      expect(String(thrown)).not.toContain(secret);
    });

    it('port, which may be right in a moment', async () => {
      const thrown = open({ server: { ...server, port: await freePort() } });
      await expect(thrown).rejects.toMatchObject({ code: 'store-failed', kind: 'transient' });
      await expect(thrown).rejects.toThrow(/`host` and `port`/);
    });

    it('a right that is missing', async () => {
      await database.sql(`DROP ROLE IF EXISTS weir_without_rights`);
      await database.sql(`CREATE ROLE weir_without_rights LOGIN PASSWORD '${secret}'`);
      const thrown = open({ server: { ...server, user: 'weir_without_rights', password: secret } });
      await expect(thrown).rejects.toThrow(/lacks a right/);
      await database.sql(`DROP ROLE weir_without_rights`);
    });

    it('a schema that is of a later version', async () => {
      await (await open())[Symbol.asyncDispose]();
      await database.sql('INSERT INTO weir.schema_version VALUES (1000)');
      await expect(open()).rejects.toThrow(/version 1000/);
    });

    it('a server that would forget what it has confirmed', async () => {
      const { database: name } = server;
      await database.sql(`ALTER DATABASE ${name} SET synchronous_commit = off`);
      await expect(open()).rejects.toThrow(/synchronous_commit = off/);
      await database.sql(`ALTER DATABASE ${name} RESET synchronous_commit`);
    });
  });

  it.skipIf(bouncer.missing)('works through PgBouncer in transaction mode', async () => {
    const through = { ...serverOf(bouncer.address), database: server.database };
    await using store = await open({ server: through });
    const seqs = await Promise.all(Array.from({ length: 200 }, () => appendOne(store)));
    await store.settle(
      channel,
      seqs.slice(1).map((seq) => settlement(seq, [sentPart('lab')])),
    );
    expect((await store.unrouted(channel, 0, 10, anyBytes)).map(({ seq }) => seq)).toEqual(seqs.slice(0, 1));
    await store.setState('a', 'b');
    expect(await store.state('a')).toBe('b');
    expect((await store.find({ limit: 1_000 })).messages).toHaveLength(200);
    await expect(open()).rejects.toMatchObject({ code: 'store-locked' });
  });
});

async function appendOneOf(
  store: Awaited<ReturnType<typeof openPostgresStore>>,
  dedupe: { key: string; contentHash: string },
) {
  const [appended] = await store.append(channel, [newMessage({ dedupe })]);
  return appended && 'seq' in appended ? appended.seq : undefined;
}
