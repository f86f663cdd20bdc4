import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { PostgresServer } from '../../clients/postgres/server.ts';
import { PostgresSession } from '../../clients/postgres/session.ts';
import { CuttingProxy } from '../../clients/postgres/testing/cutting-proxy.ts';
import { testDatabase } from '../../clients/postgres/testing/database.ts';
import { fakeSourceContext } from '../../core/testing/contexts.ts';
import { type FakeIntake, fakeIntake, negative, positive } from '../../core/testing/fake-intake.ts';
import { postgres } from './postgres.ts';

const database = await testDatabase(import.meta.filename);
afterAll(() => database[Symbol.asyncDispose]());
const { sql } = database;
type Config = Omit<Parameters<typeof postgres>[0], 'endpoint'>;

function reading(intake: FakeIntake, config: Config, server: PostgresServer = database.server) {
  const endpoints = { far: { kind: 'postgres', ...server }, own: { kind: 'postgres', ...database.server } } as const;
  const context = fakeSourceContext({ endpoints });
  const drain = new AbortController();
  const halt = new AbortController();
  const source = postgres({ endpoint: 'far', pollMs: 20, ...config }).create(context);
  const running = source.run(intake, { drain: drain.signal, halt: halt.signal });
  running.catch(() => undefined);
  const stop = async () => {
    drain.abort();
    await running.catch(() => undefined);
  };
  onTestFinished(async () => {
    halt.abort();
    await stop();
  });
  return { running, context, stop };
}

const taken = (intake: FakeIntake): readonly Record<string, unknown>[] =>
  intake.arrivals.map(({ raw }) => JSON.parse(Buffer.from(raw).toString()) as Record<string, unknown>);
const idsOf = (intake: FakeIntake) => taken(intake).map(({ id }) => id);
const arrived = (intake: FakeIntake, ids: readonly number[]) =>
  vi.waitFor(() => expect(idsOf(intake)).toEqual(ids), { interval: 10 });
const everything = () => fakeIntake(() => positive);

async function session(): Promise<PostgresSession> {
  const options = { applicationName: 'test', connectTimeoutMs: 5_000, answerTimeoutMs: 30_000 };
  const opened = await PostgresSession.open(database.server, options);
  onTestFinished(() => opened.close());
  return opened;
}

const state = { create: true };

describe.skipIf(database.missing)('the postgres source', () => {
  beforeEach(async () => {
    await sql('DROP SCHEMA public CASCADE');
    await sql('CREATE SCHEMA public');
  });

  it('makes JSON of a row, with times in UTC, and takes key and identity from it', async () => {
    await sql(
      'CREATE TABLE t (id int, site text, mrn text, at timestamptz, n numeric, raw bytea, doc jsonb, tags text[], PRIMARY KEY (site, id))',
    );
    await sql(`INSERT INTO t VALUES (7, 'a', '4711', '2026-07-01 12:00+02', 1.50, '\\x00ff', '{"a": 1}', '{x,NULL}')`);
    const intake = everything();
    reading(intake, { poll: { table: 't', watermark: 'at', state }, key: 'mrn' });
    await arrived(intake, [7]);
    expect(taken(intake)).toEqual([
      {
        ...{ id: 7, site: 'a', mrn: '4711', at: '2026-07-01T10:00:00+00:00', n: 1.5, raw: '\\x00ff', doc: { a: 1 } },
        tags: ['x', null],
      },
    ]);
    expect(intake.arrivals[0]).toMatchObject({
      key: '4711',
      dedupeKey: '["t","a","7","2026-07-01 10:00:00+00"]',
      meta: { 'postgres.from': 't' },
    });
  });

  it('passes over no row that is committed after one with a higher watermark', async () => {
    await sql('CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n int)');
    const intake = everything();
    reading(intake, { poll: { table: 't', watermark: 'id', state } });
    const slow = await session();
    for (let round = 0; round < 3; round++) {
      await slow.ask('BEGIN');
      await slow.ask('INSERT INTO t (n) VALUES (1)');
      await sql('INSERT INTO t (n) VALUES (2)');
      await pause(120);
      expect(idsOf(intake)).toHaveLength(2 * round);
      await slow.ask('COMMIT');
      await arrived(
        intake,
        Array.from({ length: 2 * round + 2 }, (_, at) => at + 1),
      );
    }
  });

  it('lets a time as a watermark grow old enough, for what has begun and not written yet', async () => {
    await sql('CREATE TABLE t (id int PRIMARY KEY, at timestamptz DEFAULT now())');
    const intake = everything();
    reading(intake, { poll: { table: 't', watermark: 'at', lagMs: 3_000, state } });
    const late = await session();
    await late.ask('BEGIN');
    await late.ask('SELECT now()');
    await pause(50);
    await sql('INSERT INTO t (id) VALUES (2)');
    await pause(200);
    expect(idsOf(intake)).toEqual([]);
    await late.ask('INSERT INTO t (id) VALUES (1)');
    await late.ask('COMMIT');
    await arrived(intake, [1, 2]);
  });

  it.each([
    'snapshot',
    'lag',
  ] as const)('tells rows of one watermark apart by their id, and reads a changed one again (%s)', async (inFlight) => {
    await sql('CREATE TABLE t (id int PRIMARY KEY, at timestamptz DEFAULT now())');
    await sql('INSERT INTO t SELECT generate_series(1, 10)');
    const intake = everything();
    reading(intake, { poll: { table: 't', watermark: 'at', inFlight, lagMs: 50, state }, batch: 3 });
    const first = Array.from({ length: 10 }, (_, at) => at + 1);
    await arrived(intake, first);
    await sql('UPDATE t SET at = clock_timestamp() WHERE id = 4');
    await arrived(intake, [...first, 4]);
    expect(intake.arrivals[10]!.dedupeKey).not.toBe(intake.arrivals[3]!.dedupeKey);
  });

  it('goes on behind what was acknowledged, with the watermark in another database, or begins with what comes', async () => {
    await sql('CREATE TABLE t (id int PRIMARY KEY)');
    await sql('INSERT INTO t SELECT generate_series(1, 5)');
    const poll = {
      query: 'SELECT id FROM t -- all',
      watermark: 'id',
      id: ['id'],
      state: { ...state, endpoint: 'own', table: 'marks' },
    };
    const [first, second, third] = [everything(), everything(), everything()];
    const run = reading(first, { poll });
    await arrived(first, [1, 2, 3, 4, 5]);
    await run.stop();
    await sql('INSERT INTO t VALUES (6)');
    reading(second, { poll });
    await arrived(second, [6]);
    reading(third, { poll: { table: 't', watermark: 'id', from: 'now', state } });
    await vi.waitFor(async () => expect(await sql('SELECT watermark FROM weir_watermark')).toEqual([['6']]));
    await sql('INSERT INTO t VALUES (7)');
    await arrived(third, [7]);
  });

  it('keeps what was not stored, and what is behind it', async () => {
    await sql('CREATE TABLE p (id int PRIMARY KEY)');
    await sql('CREATE TABLE c (id int PRIMARY KEY)');
    for (const table of ['p', 'c']) await sql(`INSERT INTO ${table} SELECT generate_series(1, 4)`);
    const unstored = { outcome: negative.outcome };
    const refusing = () => fakeIntake((_, index) => (index === 2 ? unstored : index === 1 ? negative : positive));
    const [polled, claimed] = [refusing(), refusing()];
    reading(polled, { poll: { table: 'p', watermark: 'id', state } });
    reading(claimed, { claim: { table: 'c' } });
    await arrived(polled, [1, 2, 3, 4, 3, 4]);
    await arrived(claimed, [1, 2, 3, 4, 3]);
  });

  it('shares a table with others: each row is taken once, in order, and what is locked is left alone', async () => {
    await sql('CREATE TABLE t (id int PRIMARY KEY, rank int, ready bool)');
    await sql('INSERT INTO t SELECT n, -n, true FROM generate_series(1, 200) AS n');
    await sql('INSERT INTO t VALUES (1000, 0, false)');
    const locking = await session();
    await locking.ask('BEGIN');
    await locking.ask('SELECT FROM t WHERE id = 100 FOR UPDATE');
    const intakes = [everything(), everything()] as const;
    for (const intake of intakes)
      reading(intake, { claim: { table: 't', where: 'ready -- and', orderBy: ['rank'] }, batch: 7 });
    await vi.waitFor(() => expect(idsOf(intakes[0]).length + idsOf(intakes[1]).length).toBe(199));
    for (const intake of intakes)
      expect(idsOf(intake)).toEqual(idsOf(intake).toSorted((a, b) => Number(b) - Number(a)));
    expect(new Set([...idsOf(intakes[0]), ...idsOf(intakes[1])]).size).toBe(199);
    await locking.ask('COMMIT');
    await vi.waitFor(async () => expect(await sql('SELECT id FROM t')).toEqual([[1000]]));
  });

  it('tries again while the database is away, says so once, and goes on', async () => {
    await sql('CREATE TABLE t (id int PRIMARY KEY)');
    await using proxy = await CuttingProxy.before(database.server);
    const intake = everything();
    const { context } = reading(intake, { claim: { table: 't' } }, proxy.server);
    await sql('INSERT INTO t VALUES (1)');
    await arrived(intake, [1]);
    proxy.away();
    await vi.waitFor(() => expect(context.reported.at(-1)).toEqual({ state: 'retrying' }));
    await sql('INSERT INTO t VALUES (2)');
    await pause(700);
    proxy.back();
    await arrived(intake, [1, 2]);
    await vi.waitFor(() => expect(context.reported.at(-1)).toEqual({ state: 'reading' }));
    expect(context.logged.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });

  it('ends with a transient error that names the settings while the table is not as it is wanted', async () => {
    const missing = reading(everything(), { claim: { table: 't' } });
    await expect(missing.running).rejects.toMatchObject({
      code: 'config-invalid',
      kind: 'transient',
      message: 'taking rows of t: claim.table: there is no table t',
    });
    await sql('CREATE TABLE t (id int, changed_at text)');
    const config: Config = { poll: { table: 't', watermark: 'changed-at', inFlight: 'lag', state } };
    await expect(reading(everything(), config).running).rejects.toMatchObject({
      message: expect.stringMatching(/poll\.id: .*; poll\.watermark: .* – did you mean changed_at\?$/),
    });
  });
});
