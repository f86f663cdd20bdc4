/** What is indexed when, by whom: late commits, several hubs, hubs that die, poolers. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { identifier } from '../../../../clients/postgres/quote.ts';
import { PostgresSession } from '../../../../clients/postgres/session.ts';
import { serverOf, testDatabase } from '../../../../clients/postgres/testing/database.ts';
import { SearchFixture } from '../../../../core/testing/search-fixture.ts';
import { service } from '../../../../core/testing/services.ts';
import {
  bytesOf,
  channel,
  newMessage,
  sentPart,
  seqOf,
  settlement,
  start,
} from '../../../../core/testing/store-fixture.ts';
import { type PostgresPlace, postgresPlace } from './testing/postgres-place.ts';
import { lockClass, lockStatement } from './turn.ts';

const database = await testDatabase(import.meta.filename);
const bouncer = await service('pgbouncer', import.meta.filename);
afterAll(() => database[Symbol.asyncDispose]());

/** On a machine that is busy with other tests. */
const soon = { timeout: 30_000 };

const sessionOptions = { applicationName: 'test', connectTimeoutMs: 5_000, answerTimeoutMs: 30_000 };

describe.skipIf(database.missing)('following the store', () => {
  let at: SearchFixture<PostgresPlace>;
  let open = new AsyncDisposableStack();
  beforeEach(async () => {
    at = new SearchFixture(await postgresPlace(database));
    await at.open();
  });
  afterEach(async () => {
    await open.disposeAsync();
    open = new AsyncDisposableStack();
    await at.close();
    await at.place[Symbol.asyncDispose]();
  });

  const session = async () => {
    const opened = await PostgresSession.open(database.server, sessionOptions);
    open.defer(() => opened.close());
    return opened;
  };
  const position = async () => (await at.index.status()).position;

  it('rule 1: waits for a lower seq that commits later, and for no transaction of anybody else', async () => {
    const first = await at.send('P1');
    await at.indexed();
    const elsewhere = await session();
    await elsewhere.run([{ text: 'BEGIN' }, { text: 'CREATE TABLE of_somebody_else (n int)' }]);
    const second = await at.send('P1');
    await at.indexed();
    // Its append has its seq, and waits for the row of this transaction.
    const before = await position();
    const holding = await session();
    await holding.run([
      { text: 'BEGIN' },
      {
        text: `INSERT INTO ${at.place.schema}.dedupe SELECT id, 'K', 'H', 0, gen_random_uuid() FROM ${at.place.schema}.name WHERE text = 'adt'`,
      },
    ]);
    const late = newMessage({ raw: bytesOf('P1'), dedupe: { key: 'K', contentHash: 'H' } });
    const appending = at.store.append(channel, [late]);
    const other = open.use(await at.place.openStore(() => at.now, 'two'));
    const third = newMessage({ raw: bytesOf('P1') });
    let early = 0;
    await expect
      .poll(async () => {
        const [row] = await at.place.sql(`SELECT last_value FROM $.seq`);
        return Number(row?.[0]) > before;
      }, soon)
      .toBe(true);
    const [appended] = await other.append(channel, [third]);
    early = seqOf(appended);
    await other.settle(channel, [settlement(early, [sentPart('lab')])]);
    await sleep(300);
    expect(await position()).toBe(before);
    await holding.run([{ text: 'ROLLBACK' }]);
    const seq = seqOf((await appending)[0]);
    expect(seq).toBeLessThan(early);
    await at.store.settle(channel, [settlement(seq, [sentPart('lab')])]);
    await expect.poll(position, soon).toBe(early);
    await expect.poll(() => at.idsOf('P1'), soon).toEqual([first, second, late.id, third.id]);
  });

  it('is done by one hub at a time, and everything once', async () => {
    const second = open.use(await at.place.openIndex(() => at.now, {}, 'two'));
    const ids: string[] = [];
    for (let n = 0; n < 200; n++) ids.push(await at.send(`N${n} SAME`));
    await at.indexed();
    expect((await second.find({ text: 'N7', in: 'identifiers', limit: 9 })).hops.map(({ id }) => id)).toEqual([ids[7]]);
    const [counts] = await at.place.sql(
      "SELECT count(*), count(DISTINCT (term, seq)), count(*) FILTER (WHERE term = 'same') FROM $.search_term",
    );
    expect(Number(counts?.[0])).toBe(Number(counts?.[1]));
    expect(Number(counts?.[2])).toBe(200);
    expect((await at.place.sql('SELECT messages FROM $.search_slot')).flat().map(Number)).toEqual([200]);
  });

  it('is taken over from a hub that has its turn when its connection breaks', async () => {
    const dying = await session();
    await dying.run([{ text: 'BEGIN' }, { text: lockStatement(identifier(at.place.schema)) }]);
    const id = await at.send('P1');
    await sleep(300);
    expect(await position()).toBe(0);
    expect((await at.index.status()).error).toBeUndefined();
    dying.destroy();
    await at.indexed();
    expect(await at.idsOf('P1')).toEqual([id]);
  });

  it('loses nothing, and indexes nothing twice, when the hub that does it is killed (kill −9)', async () => {
    const { server } = database;
    const options = JSON.stringify({ server, schema: at.place.schema, hub: 'dying' });
    await at.index[Symbol.asyncDispose]();
    const script = join(import.meta.dirname, 'testing/index-until-killed.ts');
    const child = spawn(process.execPath, [script, options], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    const ids = new Map<string, string>();
    for (let n = 0; n < 300; n++) {
      ids.set(`N${n}`, await at.send(`N${n}`));
      if (n === 150) {
        const [row] = await at.place.sql('SELECT seq, hub FROM $.search_position');
        expect([Number(row?.[0]) > 0, row?.[1]]).toEqual([true, 'dying']);
        child.kill('SIGKILL');
        await at.openIndex();
      }
    }
    if (child.signalCode === null) await once(child, 'exit');
    expect(child.signalCode).toBe('SIGKILL');
    await at.indexed();
    const [counts] = await at.place.sql("SELECT count(*) FROM $.search_term WHERE term LIKE 'n%'");
    expect(Number(counts?.[0])).toBe(300);
    for (const [text, id] of [...ids].slice(125, 175)) expect(await at.idsOf(text)).toEqual([id]);
  }, 120_000);

  it('goes on after the database has ended its connections', async () => {
    const first = await at.send('P1');
    await at.indexed();
    await database.sql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'weir %' AND datname = current_database() AND pid <> pg_backend_pid()",
    );
    const second = await at.send('P1');
    await expect.poll(() => at.idsOf('P1')).toEqual([first, second]);
  });

  it('begins anew for search_again', async () => {
    const id = await at.send('P1');
    await at.indexed();
    await at.place.sql('SELECT $.search_again()');
    // A store where nothing comes is not asked about again: the hub looks when there is something.
    const other = await at.send('P2');
    await expect.poll(() => at.idsOf('P1'), soon).toEqual([id]);
    await expect.poll(() => at.idsOf('P2'), soon).toEqual([other]);
  });
});

describe.skipIf(database.missing || bouncer.missing)('through PgBouncer in transaction mode', () => {
  it('is indexed and found, by two hubs that take turns', async () => {
    const server = { ...serverOf(bouncer.address), database: database.server.database };
    const at = new SearchFixture(await postgresPlace(database, server));
    await at.open({ freeText: true });
    const second = await at.place.openIndex(() => start, { freeText: true }, 'two');
    try {
      const ids: string[] = [];
      for (let n = 0; n < 50; n++) ids.push(await at.send(`N${n} some text`));
      await at.indexed();
      expect(await at.idsOf('N7')).toEqual([ids[7]]);
      expect(await at.idsOf('n7 some', { in: 'text' })).toEqual([ids[7]]);
      expect(await at.idsOf('n7', { in: 'path', path: '1' })).toEqual([ids[7]]);
      expect((await second.find({ text: 'N9', in: 'identifiers', limit: 9 })).hops.map(({ id }) => id)).toEqual([
        ids[9],
      ]);
      // Nothing of a turn stays with the pooler's connection, where another client would have it.
      const locks = async () =>
        (await database.sql(`SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid = ${lockClass}`)).length;
      await expect.poll(locks, soon).toBe(0);
    } finally {
      await second[Symbol.asyncDispose]();
      await at.close();
      await at.place[Symbol.asyncDispose]();
    }
  });
});
