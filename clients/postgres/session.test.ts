import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PostgresSession } from './session.ts';
import { CuttingProxy } from './testing/cutting-proxy.ts';
import { testDatabase } from './testing/database.ts';

const database = await testDatabase(import.meta.filename);
afterAll(() => database[Symbol.asyncDispose]());

const options = { applicationName: 'test', connectTimeoutMs: 30_000, answerTimeoutMs: 30_000 };

describe.skipIf(database.missing)('a connection', () => {
  let proxy: CuttingProxy;
  let session: PostgresSession;
  const run = (...texts: readonly string[]) => session.run(texts.map((text) => ({ text })));

  beforeEach(async () => {
    proxy = await CuttingProxy.before(database.server);
    session = await PostgresSession.open(proxy.server, options);
    await run('CREATE TABLE kept (n int)');
  });
  afterEach(async () => {
    session.destroy();
    await proxy[Symbol.asyncDispose]();
    await database.sql('DROP TABLE kept');
  });

  it('sends one batch behind that which the server works at, and answers in order', async () => {
    expect(session.runsAhead).toBe(true);
    const told: string[] = [];
    const tell = (what: string) => () => told.push(what);
    const holding = await PostgresSession.open(database.server, options);
    await holding.ask('SELECT pg_advisory_lock(1)');
    const second = proxy.saw('behind').then(() => {
      told.push('second is on its way');
      holding.destroy();
    });
    const all = [
      run('SELECT pg_advisory_lock(1)').then(tell('first')),
      run("SELECT 'behind'").then(tell('second')),
      session.ask('SELECT 3').then(tell('third')),
      run('SELECT 4').then(tell('fourth')),
    ];
    await Promise.all([second, ...all]);
    expect(told).toEqual(['second is on its way', 'first', 'second', 'third', 'fourth']);
  });

  it('has a batch fail that was sent behind one whose transaction failed', async () => {
    const holding = await PostgresSession.open(database.server, options);
    await holding.ask('SELECT pg_advisory_lock(1)');
    const isSent = proxy.saw('kept VALUES (1)');
    const first = run('BEGIN', 'SELECT pg_advisory_xact_lock(1)', 'SELECT 1 / 0', 'COMMIT');
    const second = run('BEGIN', 'INSERT INTO kept VALUES (1)', 'COMMIT');
    const failed = Promise.allSettled([first, second]);
    await isSent;
    holding.destroy();
    await failed;
    await expect(first).rejects.toMatchObject({ code: '22012' });
    await expect(second).rejects.toMatchObject({ code: '25P02' });
    const [third, fourth, fifth] = [
      run('ROLLBACK'),
      run('INSERT INTO kept VALUES (2)'),
      session.ask('SELECT n FROM kept'),
    ];
    await Promise.all([third, fourth]);
    expect(await fifth).toEqual([[2]]);
  });
});
