import { afterAll, describe, expect, it } from 'vitest';
import { testDatabase } from '../../../clients/postgres/testing/database.ts';
import {
  anyBytes,
  beginning,
  channel,
  newMessage,
  queuedPart,
  seqOf,
  settlement,
  start,
  toSent,
} from '../../../core/testing/store-fixture.ts';
import { openPostgresStore } from './postgres-store.ts';

const database = await testDatabase(import.meta.filename);
afterAll(() => database[Symbol.asyncDispose]());

const backlog = 8_000;
const batch = 1_000;

describe.skipIf(database.missing)('a backlog that came after the tables were vacuumed empty', () => {
  // Then the planner takes them for empty, however much they hold: what it compares must not grow with the backlog.
  it('is read and settled at the same rate as a small one', async () => {
    await using store = await openPostgresStore({ server: database.server, hub: 'one', now: () => start });
    await store.settle(channel, []);
    for (const table of ['part', 'part_key']) {
      await database.sql(`ALTER TABLE weir.${table} SET (autovacuum_enabled = off)`);
      await database.sql(`VACUUM ANALYZE weir.${table}`);
    }
    for (let done = 0; done < backlog; done += batch) {
      const seqs = (
        await store.append(
          channel,
          Array.from({ length: batch }, () => newMessage()),
        )
      ).map(seqOf);
      const parts = (at: number) => [
        at % 4 === 3 ? queuedPart('lab', 'blocked', ['held']) : queuedPart('lab', 'ready', [`k${at % 60}`]),
      ];
      await store.settle(
        channel,
        seqs.map((seq, at) => settlement(seq, parts(at))),
      );
      if (done > 0) continue;
      // As the end of an earlier backlog leaves them.
      await store.update(
        channel,
        seqs.map((seq) => toSent(seq)),
      );
      for (const table of ['part', 'part_key']) await database.sql(`VACUUM weir.${table}`);
    }
    const began = performance.now();
    const state = await store.queueState(channel, 'lab', 10_000);
    expect(state).toMatchObject({ blocked: (backlog - batch) / 4, held: [{ key: 'held' }] });
    const rows = await store.ready(channel, 'lab', beginning, batch, anyBytes);
    await store.update(
      channel,
      rows.map(({ seq }) => toSent(seq)),
    );
    expect((await store.unblock(channel, 'lab', 'held', 100)).parts).toHaveLength(100);
    expect(performance.now() - began).toBeLessThan(1_500);
  }, 120_000);
});
