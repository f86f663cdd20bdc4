import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import type { Statement } from '../../../clients/postgres/batch.ts';
import { CopyRows } from '../../../clients/postgres/copy-rows.ts';
import { PostgresSession } from '../../../clients/postgres/session.ts';
import { testDatabase } from '../../../clients/postgres/testing/database.ts';
import { appendOne, channel, sentPart, settlement, start } from '../../../core/testing/store-fixture.ts';
import { applicationName } from './opening.ts';
import { openPostgresStore } from './postgres-store.ts';

const database = await testDatabase(import.meta.filename);
afterAll(() => database[Symbol.asyncDispose]());

const lease = `${channel}/0`;
const long = 60_000;
const ttlMs = 1_500;
const graceMs = 100;

describe.skipIf(database.missing)('a hub that is stopped in the midst of a commit', () => {
  it.for([
    ['while it copies rows', true],
    ['between two statements', false],
  ] as const)('%s: another takes its lease over, and renews its own meanwhile', async ([, copying]) => {
    await using one = await openPostgresStore({ server: database.server, hub: 'one', now: () => start });
    await using other = await openPostgresStore({ server: database.server, hub: 'other', now: () => start });
    const seq = await appendOne(one);
    const taken = await one.shared!.leases.take(lease, ttlMs, 0);
    const before = { lease, epoch: taken!.epoch };
    const own = { lease: 'own/0', epoch: (await other.shared!.leases.take('own/0', long, 0))!.epoch };

    await using stopped = await stoppedUnder(copying);
    // While the lease lasts nobody is hurt, and nobody waits long.
    const at = performance.now();
    expect(await other.shared!.leases.take(lease, long, graceMs)).toBeUndefined();
    expect(performance.now() - at).toBeLessThan(ttlMs);
    expect(stopped.usable()).toBe(true);
    const { leases } = await other.shared!.leases.renew([own], long);
    expect(leases.find(({ name }) => name === own.lease)?.mine).toBe(true);

    await pause(ttlMs + graceMs);
    const after = await other.shared!.leases.take(lease, long, graceMs);
    expect(after).toMatchObject({ clean: false, ended: false });
    await stopped.ended;
    const part = settlement(seq, [sentPart('lab')]);
    await expect(one.settle(channel, [part], undefined, before)).rejects.toMatchObject({ code: 'lease-lost' });
    await other.settle(channel, [part], undefined, { lease, epoch: after!.epoch });
    expect((await other.counts())[0]).toMatchObject({ unrouted: 0, destinations: [{ sent: 1 }] });
    await database.sql('DROP SCHEMA weir CASCADE');
  });
});

/** A connection of hub one that has the row of the lease, as a commit under it has, and says nothing more. */
async function stoppedUnder(copying: boolean) {
  await database.sql('CREATE TABLE IF NOT EXISTS stopped (n int)');
  const options = { applicationName: applicationName('one'), connectTimeoutMs: 10_000, answerTimeoutMs: long };
  const session = await PostgresSession.open(database.server, options);
  const held: Statement[] = [{ text: 'BEGIN' }, { text: `SELECT FROM weir.lease WHERE name = '${lease}' FOR SHARE` }];
  // The server waits for rows that do not come.
  const rows = Object.assign(new CopyRows('stopped', ['n']), { take: () => [] });
  if (copying) void session.run([...held, { text: rows.into, rows }]).catch(() => undefined);
  else await session.run(held);
  await pause(100);
  return {
    usable: () => session.usable,
    ended: session.closed,
    [Symbol.asyncDispose]: async () => session.destroy(),
  };
}
