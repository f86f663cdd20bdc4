/** What becomes of the index when the store's messages, or their content, go; and how long a search may take. */
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PostgresSession } from '../../../../clients/postgres/session.ts';
import { testDatabase } from '../../../../clients/postgres/testing/database.ts';
import { dayMs, SearchFixture } from '../../../../core/testing/search-fixture.ts';
import { channel, start } from '../../../../core/testing/store-fixture.ts';
import { type PostgresPlace, postgresPlace } from './testing/postgres-place.ts';

const database = await testDatabase(import.meta.filename);
afterAll(() => database[Symbol.asyncDispose]());
/** On a machine that is busy with other tests. */
const soon = { timeout: 30_000 };

const text = { in: 'text' } as const;

describe.skipIf(database.missing)('the index of a store that prunes', () => {
  let at: SearchFixture<PostgresPlace>;
  beforeEach(async () => {
    at = new SearchFixture(await postgresPlace(database));
    await at.open({ freeText: true });
  });
  afterEach(async () => {
    await at.close();
    await at.place[Symbol.asyncDispose]();
  });

  const tables = async () =>
    (
      await database.sql(
        `SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = '${at.place.schema}'::regnamespace AND relname ~ '^search_[a-z]+_[0-9]+$' ORDER BY 1`,
      )
    ).flat();
  /** Opens the store anew, which begins a new partition on a new day. */
  const onDay = async (day: number) => {
    await at.store[Symbol.asyncDispose]();
    at.now = start + day * dayMs;
    await at.openStore();
  };
  const send = (words: string) => at.send(words, { receivedAt: at.now });

  it('goes with the partition of the messages', async () => {
    await send('P1 first');
    await onDay(1);
    const id = await send('P1 second');
    await at.indexed();
    const of = (slot: number) => ['path', 'term', 'text'].map((table) => `search_${table}_${slot}`);
    expect(await tables()).toEqual([of(0), of(1)].flat().toSorted());
    await onDay(3);
    await at.store.prune(channel, { contentBefore: start + dayMs, messagesBefore: start + dayMs });
    expect(await tables()).toEqual(of(1));
    expect(await at.idsOf('P1')).toEqual([id]);
    expect(await at.idsOf('first', text)).toEqual([]);
    expect(await at.index.status()).toMatchObject({ days: 1 });
    await send('P1 third');
    await at.indexed();
    expect(await at.idsOf('P1')).toHaveLength(2);
  });

  it('keeps identifiers of messages whose content has gone with its partition, and nothing else', async () => {
    const id = await send('P1 first');
    await onDay(1);
    await send('P1 second');
    await at.indexed();
    await onDay(3);
    await at.store.prune(channel, { contentBefore: start + dayMs, messagesBefore: 0 });
    const rows = async (table: string) => Number((await at.place.sql(`SELECT count(*) FROM $.${table}`))[0]?.[0]);
    expect([await rows('search_text_0'), await rows('search_path_0')]).toEqual([0, 0]);
    expect(await rows('search_text_1')).toBe(1);
    expect(await at.idsOf('first')).toEqual([id]);
    expect(await at.idsOf('first', text)).toEqual([]);
  });

  it('forgets messages that are pruned one by one, beside one that has to stay', async () => {
    for (let n = 0; n < 9; n++) await send(`GONE${n} text`);
    const stuck = await at.receive('STUCK', { receivedAt: at.now });
    await onDay(1);
    await send('LATER');
    await expect.poll(() => at.idsOf('LATER'), soon).toHaveLength(1);
    await onDay(9);
    await at.store.prune(channel, { contentBefore: start + 1, messagesBefore: start + 1 });
    expect(await at.idsOf('GONE1')).toEqual([]);
    expect(await at.place.written()).toContain('gone1');
    await at.index.tidy();
    expect(await at.place.written()).not.toContain('gone');
    expect(await at.idsOf('STUCK')).toEqual([stuck.id]);
    expect((await at.index.status()).open).toBe(1);
  });

  it('does not search longer than it may, and says that there may be more', async () => {
    await send('P1 first');
    await at.indexed();
    await at.reopen(undefined, { freeText: true, searchMs: 300 });
    const holding = await PostgresSession.open(database.server, {
      ...{ applicationName: 'test', connectTimeoutMs: 5_000, answerTimeoutMs: 30_000 },
    });
    await holding.run([
      { text: 'BEGIN' },
      { text: `LOCK TABLE ${at.place.schema}.search_text_0 IN ACCESS EXCLUSIVE MODE` },
    ]);
    const started = performance.now();
    expect(await at.find('first', text)).toMatchObject({ hops: [], more: true });
    expect(performance.now() - started).toBeLessThan(15_000);
    const given = new AbortController();
    await at.reopen(undefined, { freeText: true, searchMs: 20_000 });
    const search = at.index.find({ text: 'first', in: 'text', limit: 9 }, given.signal);
    setTimeout(() => given.abort(), 100);
    const waiting = performance.now();
    await expect(search).rejects.toMatchObject({ code: 'search-failed' });
    expect(performance.now() - waiting).toBeLessThan(15_000);
    const ended = async () =>
      (
        await database.sql(
          "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%trigrams @>%'",
        )
      ).length;
    await expect.poll(ended).toBe(0);
    await holding.run([{ text: 'ROLLBACK' }]);
    await holding.close();
    expect((await at.find('first', text)).hops).toHaveLength(1);
  });
});
