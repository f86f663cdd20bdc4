import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import { appendOne, channel, newId, sentPart, settlement, start } from '../../testing/store-fixture.ts';
import { uuidBytes } from '../uuid.ts';
import { migrate } from './schema.ts';
import { openSqliteStore } from './sqlite-store.ts';

const everyDay = { from: '2020-01-01', to: '2030-01-01', by: 'channel' } as const;

it('a store of the first version goes on: its messages are settled, and days count what comes from now on', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'weir-schema-'));
  const old = new DatabaseSync(join(directory, 'messages.db'));
  migrate(old, start, 1);
  old.prepare('INSERT INTO name VALUES (1, ?)').run(channel);
  old
    .prepare('INSERT INTO message (channel, seq, id, received_at, size) VALUES (1, 1, ?, ?, 3)')
    .run(uuidBytes(newId()), start);
  old.exec(`INSERT INTO raw VALUES (1, x'010203'); INSERT INTO unrouted VALUES (1, 1, 3, 0)`);
  old.exec('INSERT INTO counter (channel, destination, received, unrouted, backlog) VALUES (1, 0, 1, 1, 3)');
  old.close();

  const now = () => start;
  await using store = await openSqliteStore({ directory, now, timeZone: 'UTC', lowWaterBytes: 0, reserveBytes: 0 });
  await using _removed = { [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) };
  await store.settle(channel, [settlement(1, [sentPart('lab')])]);
  expect(await store.counts()).toMatchObject([{ received: 1, unrouted: 0, destinations: [{ sent: 1 }] }]);
  expect(await store.dailyCounts(everyDay)).toEqual([]);
  const seq = await appendOne(store);
  await store.settle(channel, [settlement(seq, [sentPart('lab')])]);
  expect(await store.dailyCounts(everyDay)).toMatchObject([{ day: '2026-01-01', received: 1, sent: 1, queued: 0 }]);
});
