import { afterAll, expect, it } from 'vitest';
import { PostgresSession } from '../../../clients/postgres/session.ts';
import { testDatabase } from '../../../clients/postgres/testing/database.ts';
import { appendOne, start } from '../../../core/testing/store-fixture.ts';
import { openPostgresStore } from './postgres-store.ts';
import { TableSizes } from './table-sizes.ts';

const database = await testDatabase(import.meta.filename);
afterAll(() => database[Symbol.asyncDispose]());
const day = 24 * 3_600_000;

it.skipIf(database.missing)(
  'what tables take is told with the partitions that have ended, and without what was deleted',
  async () => {
    for (const now of [start, start + day]) {
      await using store = await openPostgresStore({ server: database.server, hub: 'one', now: () => now });
      await appendOne(store);
    }
    const options = { applicationName: 'test', connectTimeoutMs: 10_000, answerTimeoutMs: 60_000 };
    const session = await PostgresSession.open(database.server, options);
    const all = async () =>
      Number(
        (
          await session.ask(`SELECT sum(pg_total_relation_size(c.oid))::int8 FROM pg_class c
          WHERE c.relnamespace = 'weir'::regnamespace AND c.relkind = 'r'`)
        )[0]?.[0],
      );
    const sizes = new TableSizes('weir', 'weir');
    expect(await session.ask('SELECT count(*) FROM weir.slot WHERE ended_at IS NOT NULL')).toEqual([[1]]);
    expect(await sizes.measure(session)).toBe(await all());
    const before = await all();
    await session.ask(
      "INSERT INTO weir.raw SELECT n, repeat('x', 1000)::bytea FROM generate_series(100000101, 100000200) n",
    );
    expect(await all()).toBeGreaterThan(before);
    expect(await sizes.measure(session)).toBe(await all());
    await session.ask('TRUNCATE weir.raw_0');
    expect(await sizes.measure(session)).toBeGreaterThan(await all());
    sizes.forget();
    expect(await sizes.measure(session)).toBe(await all());
    await session.close();
  },
);
