import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { testDatabase } from '../../../clients/postgres/testing/database.ts';
import { appendOne, channel, sentPart, settlement, start } from '../../../core/testing/store-fixture.ts';
import { openPostgresStore, type PostgresStore } from './postgres-store.ts';

const database = await testDatabase(import.meta.filename);
afterAll(() => database[Symbol.asyncDispose]());

describe.skipIf(database.missing)('a commit that takes for granted what the hub knows', () => {
  let one: PostgresStore;
  let two: PostgresStore;
  const open = (hub: string) => openPostgresStore({ server: database.server, hub, now: () => start });

  beforeEach(async () => {
    one = await open('one');
    two = await open('two');
  });
  afterEach(async () => {
    await one[Symbol.asyncDispose]();
    await two[Symbol.asyncDispose]();
    await database.sql('DROP SCHEMA IF EXISTS weir CASCADE');
  });

  it('is given seqs that rise in the order of what was stored, wherever, and is made once', async () => {
    const seqs: number[] = [];
    for (let turn = 0; turn < 20; turn++)
      for (const store of [one, two, two, one, one]) seqs.push(await appendOne(store));
    expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
    // A transaction that failed leaves a gap: each hub finds out once that it is not the only one.
    expect(seqs.at(-1)).toBeLessThanOrEqual(seqs[0]! + 99 + 2);
    const { messages } = await one.find({ limit: 1_000, ascending: true });
    expect(messages.map(({ seq }) => seq)).toEqual(seqs);
  });

  it('is made again where another hub has settled the message, which counts once', async () => {
    const seq = await appendOne(one);
    await two.settle(channel, [settlement(seq, [sentPart('lab')])]);
    await one.settle(channel, [settlement(seq, [sentPart('lab')])]);
    expect((await one.counts())[0]).toMatchObject({ received: 1, unrouted: 0, destinations: [{ sent: 1 }] });
    expect((await one.usage()).backlogBytes).toBeGreaterThanOrEqual(0);
  });

  it('is refused for the calls of a lease that another hub has taken, and made for the others', async () => {
    const lease = `${channel}/0`;
    const taken = await one.shared.leases.take(lease, 60_000, 0);
    const fence = { lease, epoch: taken?.epoch ?? 0 };
    const [first, second] = [await appendOne(one), await appendOne(one)];
    await one.settle(channel, [settlement(first, [sentPart('lab')])], false, fence);
    await one.shared.leases.release(fence);
    await two.shared.leases.take(lease, 60_000, 0);
    const refused = one.settle(channel, [settlement(second, [sentPart('lab')])], false, fence);
    const appended = appendOne(one);
    await expect(refused).rejects.toMatchObject({ code: 'lease-lost' });
    expect(await appended).toBeGreaterThan(second);
    expect((await one.counts())[0]).toMatchObject({ received: 3, unrouted: 2, destinations: [{ sent: 1 }] });
  });
});
