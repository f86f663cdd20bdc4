import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { PostgresServer } from '../../clients/postgres/server.ts';
import { testDatabase } from '../../clients/postgres/testing/database.ts';
import { type Reading, type VitalReadings, vitalReadings } from '../../contracts/vitals.ts';
import { fakeDestinationContext } from '../../core/testing/contexts.ts';
import { describeDestination, patient } from '../../core/testing/destination-suite.ts';
import { outgoing } from '../../core/testing/outgoing.ts';
import { service, uniqueName } from '../../core/testing/services.ts';
import { migrations } from './migrations.ts';
import { postgresReadings } from './postgres-readings.ts';
import { ReadingRows } from './rows.ts';
import { ReadingTables } from './tables.ts';

const database = await testDatabase(import.meta.filename);
const bouncer = await service('pgbouncer', import.meta.filename);
afterAll(() => database[Symbol.asyncDispose]());

const dayMs = 86_400_000;
const today = Math.floor(Date.now() / dayMs) * dayMs;
const noon = today + dayMs / 2;
const messageOf = (readings: readonly Reading[], given: Partial<VitalReadings> = {}): VitalReadings => ({
  ...{
    device: 'mon-1',
    profile: 'monitor',
    receivedAt: new Date(noon).toISOString(),
    readings: [...readings],
    ...given,
  },
});
const hr = (value: number, given: Partial<Reading> = {}): Reading => ({
  ...{ point: 'hr', value, unit: '/min', code: { mdc: 147_842, loinc: ['8867-4'] }, validity: 'Vld', ...given },
});

describe('rows of readings', () => {
  const rowsOf = (message: VitalReadings, given: { trustSkewMs?: number; oldest?: number } = {}) => {
    const rows = new ReadingRows();
    rows.add(message, () => 7, { trustSkewMs: 300_000, oldest: 0, ...given });
    return rows;
  };

  it('have the device’s time where it can be believed, and else ours', () => {
    const at = (ms: number) => ({ deviceTime: new Date(noon + ms).toISOString(), skewMs: ms });
    const message = messageOf([
      hr(1, at(-2_000)),
      hr(2, at(400_000)),
      hr(3, { deviceTime: '1970-01-01T00:00:07Z' }),
      hr(4),
    ]);
    expect(rowsOf(message).numbers.ts).toEqual(
      [noon - 2_000, noon, noon, noon].map((ms, n) => ms * 1_000 + [0, 0, 1, 2][n]!),
    );
    expect(rowsOf(message)).toEqual(rowsOf(message));
  });

  it('tell numbers from states, and say why there is no value', () => {
    const { numbers, states } = rowsOf(
      messageOf([
        { point: 'spo2', unit: '%', validity: 'Inv' },
        { point: 'door', value: true, validity: 'Vld' },
        { point: 'mode', value: 'negative', validity: 'Qst' },
        { point: 'mode', validity: 'Oflw' },
      ]),
    );
    expect([numbers.values, numbers.q]).toEqual([[null], [2]]);
    expect([states.values, states.q]).toEqual([
      ['true', 'negative', null],
      [0, 1, 3],
    ]);
  });

  it('are left out where they are older than what is kept', () => {
    const rows = rowsOf(messageOf([hr(1)], { receivedAt: '1970-01-01T00:00:07Z' }), { oldest: today });
    expect([rows.count, rows.tooOld]).toEqual([0, 1]);
  });
});

type Config = Partial<Parameters<typeof postgresReadings>[0]>;

function destination(given: Config = {}, server: PostgresServer = database.server) {
  const schema = given.schema ?? uniqueName(import.meta.filename);
  const context = fakeDestinationContext({ endpoints: { far: { kind: 'postgres', ...server } } });
  const made = postgresReadings({ endpoint: 'far', latestEveryMs: 0, ...given, schema }).create(context);
  onTestFinished(() => made[Symbol.asyncDispose]());
  let number = 0;
  const write = (...messages: readonly VitalReadings[]) =>
    made.write(
      messages.map((payload) =>
        outgoing({ number: number++, keys: ['k'], payload, bytes: vitalReadings.encode(payload) }),
      ),
      patient,
    );
  const rows = (text: string) => database.sql(text.replaceAll('$', schema));
  return { made, context, schema, write, rows };
}

function describeAt(name: string, server: () => PostgresServer): void {
  describe(name, () => {
    it('writes each reading once, whatever comes again, with its series, last value and state', async () => {
      const { write, rows, context } = destination({}, server());
      const first = messageOf([hr(72), hr(73, { deviceTime: new Date(noon + 1_000).toISOString(), skewMs: 1_000 })]);
      const second = messageOf(
        [hr(74.125), { point: 'door', value: false, validity: 'Vld' }, { point: 'hr', unit: '/min', validity: 'Inv' }],
        { device: 'mon-2', location: 'Bed 2', receivedAt: new Date(noon + 2_000).toISOString() },
      );
      expect(await write(first, second)).toMatchObject([{ status: 'sent' }, { status: 'sent' }]);
      expect(await write(second, first, first)).toMatchObject(Array(3).fill({ status: 'sent' }));
      expect(
        await rows('SELECT device, point, value, q FROM $.reading JOIN $.series ON id = series_id ORDER BY device, ts'),
      ).toEqual([
        ['mon-1', 'hr', 72, 0],
        ['mon-1', 'hr', 73, 0],
        ['mon-2', 'hr', 74.125, 0],
        ['mon-2', 'hr', null, 2],
      ]);
      expect(await rows('SELECT point, s.value FROM $.state AS s JOIN $.series ON id = series_id')).toEqual([
        ['door', 'false'],
      ]);
      expect(await rows('SELECT device, point, unit, mdc, loinc::text, location FROM $.series ORDER BY 1, 2')).toEqual([
        ['mon-1', 'hr', '/min', 147_842, '{8867-4}', null],
        ['mon-2', 'door', '', null, null, 'Bed 2'],
        ['mon-2', 'hr', '/min', 147_842, '{8867-4}', 'Bed 2'],
      ]);
      expect(
        await rows('SELECT device, point, value, state, q FROM $.latest JOIN $.series ON id = series_id ORDER BY 1, 2'),
      ).toEqual([
        ['mon-1', 'hr', 73, null, 0],
        ['mon-2', 'door', null, 'false', 0],
        ['mon-2', 'hr', null, null, 2],
      ]);
      expect(context.counts).toMatchObject({ readings_written_total: 5, readings_known_total: 7 });
    });

    it('rolls minutes up, late readings included, and mends the last values', async () => {
      const { made, write, rows, schema, context } = destination({ latestEveryMs: 60_000 }, server());
      const at = (ms: number, ...values: number[]) =>
        messageOf(
          values.map((value, n) => hr(value, { deviceTime: new Date(noon - dayMs + ms + n).toISOString(), skewMs: 0 })),
        );
      await write(at(0, 60, 70, 80), at(60_000, 100));
      // As if the hub had ended before it wrote them.
      await rows('DELETE FROM $.latest');
      const settings = postgresReadings({ endpoint: 'far', schema }).config as never;
      const tables = new ReadingTables(settings, context.log);
      const { PostgresSession } = await import('../../clients/postgres/session.ts');
      const options = { applicationName: 'test', connectTimeoutMs: 5_000, answerTimeoutMs: 20_000 };
      const session = await PostgresSession.open(server(), options);
      onTestFinished(() => session.close());
      const figures = () => rows(`SELECT n, min, max, sum FROM $.reading_minute ORDER BY minute`);
      expect(await tables.roll(session)).toBe(2);
      expect(await figures()).toEqual([
        [3, 60, 80, 210],
        [1, 100, 100, 100],
      ]);
      expect(await rows('SELECT value FROM $.latest')).toEqual([[100]]);
      await write(at(30_000, 40));
      expect(await tables.roll(session)).toBe(1);
      expect(await figures()).toEqual([
        [4, 40, 80, 250],
        [1, 100, 100, 100],
      ]);
      expect(await tables.roll(session)).toBe(0);
      await made[Symbol.asyncDispose]();
    });
  });
}

describe.skipIf(database.missing)('time series in PostgreSQL', () => {
  describeAt('directly', () => database.server);

  it('has room for the days to come, makes it for late days, and drops days that are over', async () => {
    const { write, rows, schema, context } = destination({ keepDays: 5, keepRollupDays: 9, aheadDays: 2 });
    const late = (days: number) => messageOf([hr(days)], { receivedAt: new Date(noon - days * dayMs).toISOString() });
    await write(late(0), late(3), late(8));
    const names = async (table: string) =>
      (
        await rows(
          `SELECT relname FROM pg_inherits JOIN pg_class ON oid = inhrelid WHERE inhparent = '$.${table}'::regclass ORDER BY 1`,
        )
      ).map(([name]) => String(name).slice(-8));
    const day = (ago: number) => new Date(today - ago * dayMs).toISOString().slice(0, 10).replaceAll('-', '');
    expect(await names('reading')).toEqual([3, 0, -1, -2].map(day));
    expect(context.counts.readings_too_old_total).toBe(1);
    expect(await rows('SELECT value FROM $.reading ORDER BY ts')).toEqual([[3], [0]]);
    const settings = {
      ...(postgresReadings({ endpoint: 'far', schema, keepDays: 2, keepRollupDays: 9, aheadDays: 2 }).config as object),
    };
    const tables = new ReadingTables(settings as never, context.log);
    const { PostgresSession } = await import('../../clients/postgres/session.ts');
    const options = { applicationName: 'test', connectTimeoutMs: 5_000, answerTimeoutMs: 20_000 };
    const session = await PostgresSession.open(database.server, options);
    onTestFinished(() => session.close());
    await tables.open(session, Date.now());
    expect(await tables.tidy(session, Date.now())).toEqual([`reading_${day(3)}`, `state_${day(3)}`]);
    expect(await names('reading')).toEqual([0, -1, -2].map(day));
    expect(await names('reading_minute')).toEqual([3, 0, -1, -2].map(day));
  });

  it('writes from several hubs that begin at once', async () => {
    const schema = uniqueName(import.meta.filename);
    const hubs = Array.from({ length: 4 }, () => destination({ schema }));
    const message = (hub: number) =>
      messageOf(
        Array.from({ length: 20 }, (_, n) => hr(hub, { point: `p${(n + hub * 3) % 20}` })),
        {
          receivedAt: new Date(noon + hub).toISOString(),
        },
      );
    const outcomes = await Promise.all(hubs.map(({ write }, hub) => write(message(hub))));
    const again = await Promise.all(hubs.map(({ write }, hub) => write(message(hub))));
    for (const each of again.flat()) expect(each).toEqual({ status: 'sent' });
    expect(outcomes.flat().every((each) => ['sent', 'error'].includes(each?.status ?? ''))).toBe(true);
    expect(await hubs[0]!.rows('SELECT count(*), count(DISTINCT series_id) FROM $.reading')).toEqual([[80, 20]]);
  });

  it('goes on over another connection where one is ended, and has each reading once', async () => {
    const { write, rows, context } = destination();
    await write(messageOf([hr(1)]));
    await rows(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'weir lab-in to out'`);
    const message = messageOf([hr(2)], { receivedAt: new Date(noon + 5).toISOString() });
    await vi.waitFor(async () => expect(await write(message)).toEqual([{ status: 'sent' }]));
    expect(await rows('SELECT value FROM $.reading ORDER BY ts')).toEqual([[1], [2]]);
    expect(context.counts.postgres_connections_total).toBe(2);
  });

  it('says what is missing where it may make no tables', async () => {
    const { write } = destination({ createTables: false });
    const [outcome] = (await write(messageOf([hr(1)]))) ?? [];
    expect(outcome).toMatchObject({
      status: 'error',
      error: { scope: 'destination', message: expect.stringContaining('createTables') },
    });
  });

  it('writes to hypertables as it writes to partitions, and leaves them alone', async () => {
    const { write, rows, schema } = destination();
    await write(messageOf([hr(1), { point: 'door', value: true, validity: 'Vld' }]));
    // The functions of TimescaleDB that the migration calls; the rest of it is plain SQL.
    await rows(`CREATE FUNCTION $.create_hypertable(text, text, chunk_time_interval interval, create_default_indexes boolean)
      RETURNS int LANGUAGE sql AS 'SELECT 1'`);
    await rows(`CREATE FUNCTION $.add_retention_policy(text, interval) RETURNS int LANGUAGE sql AS 'SELECT 1'`);
    const text = readFileSync(new URL('./timescale.sql', import.meta.url), 'utf8')
      .replaceAll(/^--.*$/gm, '')
      .replace('CREATE EXTENSION IF NOT EXISTS timescaledb;', '')
      .replaceAll('readings.', `${schema}.`)
      .replaceAll(/\b(create_hypertable|add_retention_policy)\(/g, `${schema}.$1(`);
    for (const statement of text
      .split(';')
      .filter((each) => each.trim() !== '' && !/^\s*(BEGIN|COMMIT)\s*$/.test(each)))
      await database.sql(statement);
    const columns = (table: string) =>
      rows(
        `SELECT attname, atttypid::regtype::text, attnotnull FROM pg_attribute WHERE attrelid = '$.${table}'::regclass AND attnum > 0 ORDER BY attnum`,
      );
    const other = destination();
    await other.write(messageOf([hr(1)]));
    for (const table of ['reading', 'state', 'reading_minute']) {
      const native = await other.rows(
        `SELECT attname, atttypid::regtype::text, attnotnull FROM pg_attribute WHERE attrelid = '$.${table}'::regclass AND attnum > 0 ORDER BY attnum`,
      );
      expect(await columns(table)).toEqual(native);
    }
    const again = destination({ schema });
    await again.write(
      messageOf([hr(2)], { receivedAt: new Date(noon + 40 * dayMs).toISOString() }),
      messageOf([hr(1)]),
    );
    expect(await rows('SELECT value FROM $.reading ORDER BY ts')).toEqual([[1], [2]]);
    expect(migrations).toHaveLength(1);
  });

  describeDestination<VitalReadings>({
    name: 'postgres-readings',
    spec: postgresReadings({ endpoint: 'far' }),
    message: (number) => {
      const payload = messageOf([hr(number)], { receivedAt: new Date(noon + number).toISOString() });
      return { payload, bytes: vitalReadings.encode(payload) };
    },
    async setUp() {
      const schema = uniqueName(import.meta.filename);
      const context = fakeDestinationContext({ endpoints: { far: { kind: 'postgres', ...database.server } } });
      const made = postgresReadings({ endpoint: 'far', schema, latestEveryMs: 0 }).create(context);
      await made.write([], patient);
      await database.sql(`CREATE FUNCTION ${schema}.held() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        PERFORM pg_advisory_xact_lock_shared(hashtext('${schema}'));
        IF EXISTS (SELECT FROM ${schema}.bad WHERE n = new.value) THEN RAISE SQLSTATE '22003'; END IF; RETURN new; END $$`);
      await database.sql(`CREATE TABLE ${schema}.bad (n double precision)`);
      await database.sql(
        `CREATE TRIGGER held BEFORE INSERT ON ${schema}.reading FOR EACH ROW EXECUTE FUNCTION ${schema}.held()`,
      );
      return {
        destination: made,
        async received() {
          return (await database.sql(`SELECT value FROM ${schema}.reading ORDER BY ts`)).map(([n]) => Number(n));
        },
        async failAt(batch, position) {
          await database.sql(`INSERT INTO ${schema}.bad VALUES (${batch[position]!.payload.readings[0]!.value})`);
          return async () => void (await database.sql(`DELETE FROM ${schema}.bad`));
        },
        async hold() {
          const { PostgresSession } = await import('../../clients/postgres/session.ts');
          const options = { applicationName: 'holding', connectTimeoutMs: 5_000, answerTimeoutMs: 60_000 };
          const session = await PostgresSession.open(database.server, options);
          await session.ask(`SELECT pg_advisory_lock(hashtext('${schema}'))`);
          return () => session.close();
        },
        async [Symbol.asyncDispose]() {
          await made[Symbol.asyncDispose]();
        },
      };
    },
  });
});

describe.skipIf(bouncer.missing ?? database.missing)('time series through PgBouncer', () => {
  const { hostname, port } = new URL(bouncer.address || 'postgres://localhost:1');
  describeAt('in transaction mode', () => ({ ...database.server, host: hostname, port: Number(port) }));
});
