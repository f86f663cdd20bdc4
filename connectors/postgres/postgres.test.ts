import { afterAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { PostgresServer } from '../../clients/postgres/server.ts';
import { CuttingProxy } from '../../clients/postgres/testing/cutting-proxy.ts';
import { testDatabase } from '../../clients/postgres/testing/database.ts';
import type { Clock } from '../../core/component.ts';
import { writeNarrowing } from '../../core/runtime/dispatch/narrow.ts';
import { fakeDestinationContext } from '../../core/testing/contexts.ts';
import { outcomesOf, patient } from '../../core/testing/destination-suite.ts';
import { wallClock } from '../../core/testing/fake-clock.ts';
import { outgoing } from '../../core/testing/outgoing.ts';
import { postgres } from './postgres.ts';

const database = await testDatabase(import.meta.filename);
afterAll(() => database[Symbol.asyncDispose]());
type Config = Omit<Parameters<typeof postgres>[0], 'endpoint'>;
const { sql } = database;

const message = (number: number, payload: unknown, fields: Partial<Parameters<typeof outgoing>[0]> = {}) =>
  outgoing({ number, payload: undefined, bytes: Buffer.from(JSON.stringify(payload)), ...fields });

function destinationTo(config: Config, server: PostgresServer = database.server, clock: Clock = wallClock) {
  const endpoints = { far: { kind: 'postgres', ...server } as const };
  const context = fakeDestinationContext({ endpoints, clock });
  const destination = postgres({ endpoint: 'far', createInbox: true, ...config }).create(context);
  onTestFinished(() => destination[Symbol.asyncDispose]());
  return { destination, context };
}

const wrote = (count: number) => Array.from({ length: count }, () => ({ status: 'sent' }));

describe.skipIf(database.missing)('the postgres destination', () => {
  beforeEach(async () => {
    await sql('DROP SCHEMA public CASCADE');
    await sql('CREATE SCHEMA public');
  });

  it('writes values of every kind as their columns have them', async () => {
    await sql("CREATE TYPE sex AS ENUM ('f', 'm', 'x')");
    await sql("CREATE DOMAIN mrn AS varchar(8) CHECK (value <> 'none')");
    await sql(`CREATE TABLE t (id int, big int8, amount numeric(6,2), ratio float8, name text, short varchar(4), fixed char(3),
      mrn mrn, sex sex, active bool, born date, at timestamptz, wall timestamp, doc jsonb, doc2 json, raw bytea, uid uuid,
      codes text[], grid int[], ip inet, span interval, "Odd ""name""" text)`);
    const columns = {
      ...{ id: 'id', big: 'big', amount: 'amount', ratio: 'ratio', name: 'names[use=official].text', short: 'short' },
      ...{ fixed: 'fixed', mrn: 'mrn', sex: 'sex', active: 'active', born: 'born', at: 'at', wall: 'wall', doc: '$' },
      ...{
        doc2: 'grid',
        raw: { bytes: true as const },
        uid: 'uid',
        codes: 'codes',
        grid: 'grid',
        ip: 'ip',
        span: 'span',
      },
      'Odd "name"': '${channel}/${meta.control}',
    };
    const { destination } = destinationTo({ into: { table: 't', columns }, zone: 'Europe/Berlin' });
    const given = {
      ...{ id: '7', big: '9007199254740993', amount: '1234.50', ratio: 0.1, short: 'äöü😀', fixed: 'ab', mrn: '4711' },
      ...{
        names: [
          { use: 'nick', text: 'Joe' },
          { use: 'official', text: `O'Neil "\\" {x} $1` },
        ],
        sex: 'f',
        active: 'Y',
      },
      ...{ born: '19800229', at: '2026-07-01T12:00:00.123456', wall: '2026-01-01T12:00:00Z', ip: '10.0.0.1' },
      ...{
        uid: '019A0000-0000-7000-8000-000000000001',
        codes: ['a,b', null, '"\\', ''],
        grid: [
          [1, 2],
          [3, 4],
        ],
        span: 'PT5M',
      },
    };
    const sent = message(1, given, { meta: { control: 'C1' } });
    expect(await outcomesOf(destination, [sent])).toEqual(wrote(1));
    const [[row] = []] = await sql('SELECT row_to_json(t)::text FROM t');
    const read = JSON.parse(String(row).replace('9007199254740993', '"9007199254740993"'));
    expect({ ...read, at: new Date(read.at).toISOString() }).toEqual({
      ...{ id: 7, big: '9007199254740993', amount: 1234.5, ratio: 0.1, short: 'äöü😀', fixed: 'ab ', mrn: '4711' },
      ...{ name: `O'Neil "\\" {x} $1`, sex: 'f', active: true, born: '1980-02-29', at: '2026-07-01T10:00:00.123Z' },
      ...{
        wall: '2026-01-01T13:00:00',
        doc: given,
        doc2: [
          [1, 2],
          [3, 4],
        ],
        ip: '10.0.0.1',
        span: '00:05:00',
      },
      ...{
        raw: `\\x${Buffer.from(sent.bytes).toString('hex')}`,
        uid: given.uid.toLowerCase(),
        grid: [
          [1, 2],
          [3, 4],
        ],
      },
      ...{ codes: ['a,b', null, '"\\', ''], 'Odd "name"': 'lab-in/C1' },
    });
  });

  it('tells NULL from an empty text, and takes an empty one for NULL where it is told to', async () => {
    await sql('CREATE TABLE t (a text, b text, c text, n int)');
    const columns = { a: 'a', b: 'b', c: '${meta.nothing}', n: 'n' };
    const strict = destinationTo({ into: { table: 't', columns } });
    expect(await outcomesOf(strict.destination, [message(1, { a: '', b: null })])).toEqual(wrote(1));
    expect(await outcomesOf(strict.destination, [message(2, { a: '', n: '' })])).toMatchObject([
      { status: 'uncertain', error: { kind: 'permanent', message: expect.stringContaining('column n is empty') } },
    ]);
    const loose = destinationTo({ into: { table: 't', columns }, emptyAsNull: true });
    expect(await outcomesOf(loose.destination, [message(2, { a: '', n: '' })])).toEqual(wrote(1));
    expect(await sql('SELECT * FROM t')).toEqual([
      ['', null, null, null],
      [null, null, null, null],
    ]);
  });

  it('rule 16: one row in 500 that does not fit is the only one that fails, by its column and without its value', async () => {
    await sql('CREATE TABLE t (id int PRIMARY KEY, ip inet, n numeric(3,1), CONSTRAINT sane CHECK (id <> 77))');
    const { destination } = destinationTo({ into: { table: 't', columns: { id: 'id', ip: 'ip', n: 'n' } } });
    const write = (batch: readonly ReturnType<typeof message>[]) => destination.write(batch, patient);
    const bad: Readonly<Record<number, object>> = { 5: { n: 12.345 }, 250: { ip: 'SECRET' }, 499: { id: 'SECRET' } };
    const keys = (number: number): [string] => [`key-${number}`];
    const batch = Array.from({ length: 500 }, (_, number) =>
      message(number, { id: number, ip: '10.0.0.1', n: 1.5, ...bad[number] }, { keys: keys(number) }),
    );
    const outcomes = await writeNarrowing(batch, write, 'far', patient.signal);
    const failed = outcomes.flatMap((outcome, at) => (outcome.status === 'error' ? [[at, outcome.error.message]] : []));
    expect(failed).toEqual([
      [5, 'writing to t: column n has more than 1 digits after the point'],
      [77, 'writing to t: a check does not hold: table public.t, constraint sane (23514)'],
      [250, 'writing to t: a value is none of its type (22P02): column ip'],
      [499, 'writing to t: column id is no whole number'],
    ]);
    expect(outcomes.filter(({ status }) => status === 'sent')).toHaveLength(496);
    expect(await sql('SELECT count(*) FROM t')).toEqual([[496]]);
  });

  it('updates by a key, one message after another where a batch has several of it', async () => {
    await sql('CREATE TABLE t (id text, site text, first text, last text, PRIMARY KEY (site, id))');
    const columns = { id: 'id', site: { constant: 'main' }, first: 'what', last: 'what' };
    const { destination } = destinationTo({
      into: { table: 't', columns, conflict: ['id', 'site'], update: ['last'] },
    });
    const batch = ['a1', 'b1', 'a2', 'a3', 'c1', 'b2'].map((what, number) => message(number, { id: what[0], what }));
    expect(await outcomesOf(destination, batch)).toEqual(wrote(6));
    expect(await sql('SELECT id, first, last FROM t ORDER BY id')).toEqual([
      ['a', 'a1', 'a3'],
      ['b', 'b1', 'b2'],
      ['c', 'c1', 'c1'],
    ]);
    const keeping = destinationTo({ into: { table: 't', columns, conflict: ['id', 'site'], update: 'none' } });
    expect(await outcomesOf(keeping.destination, [message(9, { id: 'a', what: 'a9' })])).toEqual(wrote(1));
    expect(await sql("SELECT last FROM t WHERE id = 'a'")).toEqual([['a3']]);
  });

  it('has one effect for each effect id, in columns and by a statement, and says how many were known', async () => {
    await sql('CREATE TABLE t (n int)');
    for (const config of [
      { into: { table: 't', columns: { n: 'n' } } },
      { sql: 'INSERT INTO t VALUES ($1)', values: ['n'], inbox: 'public.other' },
    ] satisfies Config[]) {
      await sql('TRUNCATE t');
      const { destination, context } = destinationTo(config);
      const batch = [0, 1, 2].map((n) => message(n, { n }));
      expect(await outcomesOf(destination, batch.slice(0, 2))).toEqual(wrote(2));
      expect(await outcomesOf(destination, batch)).toEqual(wrote(3));
      expect(await sql('SELECT n FROM t ORDER BY n')).toEqual([[0], [1], [2]]);
      expect(context.counts).toMatchObject({ postgres_written_total: 3, postgres_known_total: 2 });
    }
  });

  it.each([
    'before-commit',
    'during-commit',
    'after-commit',
  ] as const)('is uncertain of a batch whose connection breaks %s, and repeats it without a second effect', async (at) => {
    await sql('CREATE TABLE t (n int)');
    await using proxy = await CuttingProxy.before(database.server);
    const config: Config = { sql: 'INSERT INTO t VALUES ($1)', values: ['n'] };
    const { destination, context } = destinationTo(config, proxy.server);
    expect(await outcomesOf(destination, [message(0, { n: 0 })])).toEqual(wrote(1));
    proxy.cut(at);
    const batch = [1, 2].map((n) => message(n, { n }));
    const uncertain = { status: 'uncertain', error: { code: 'connection-lost', scope: 'destination' } };
    expect(await outcomesOf(destination, batch)).toMatchObject([uncertain, uncertain]);
    expect(proxy.cuts).toBe(1);
    expect(context.reported.at(-1)).toEqual({ state: 'retrying' });
    expect(await outcomesOf(destination, batch)).toEqual(wrote(2));
    expect(await sql('SELECT n FROM t ORDER BY n')).toEqual([[0], [1], [2]]);
  });

  it('waits as a whole while there is no database, no login, no table or no column, and names the setting', async () => {
    const into = { table: 't', columns: { n: 'n', m: 'm' } };
    const one = [message(0, { n: 1, m: 2 })];
    const away = async (destination: ReturnType<typeof destinationTo>['destination']) => {
      const [outcome] = await outcomesOf(destination, one);
      expect(outcome).toMatchObject({ status: 'error', error: { kind: 'transient', scope: 'destination' } });
      return outcome?.status === 'error' ? outcome.error.message : '';
    };
    expect(await away(destinationTo({ into }, { ...database.server, port: 1 }).destination)).toContain('`port`');
    expect(await away(destinationTo({ into }, { ...database.server, password: 'no' }).destination)).toContain(
      '`password`',
    );
    const { destination } = destinationTo({ into });
    expect(await away(destination)).toContain('into.table: there is no table t');
    await sql('CREATE TABLE t (n int)');
    expect(await away(destination)).toContain('into.columns.m: public.t has no column m');
    await sql('ALTER TABLE t ADD m text');
    expect(await outcomesOf(destination, one)).toEqual(wrote(1));
    await sql('ALTER TABLE t DROP n');
    expect(await away(destination)).toContain('into.columns');
    expect(await away(destination)).toContain('into.columns.n: public.t has no column n');
  });

  it('makes one connection, also where a write is given up while it is made', async () => {
    await sql('CREATE TABLE t (n int)');
    const { destination, context } = destinationTo({ into: { table: 't', columns: { n: 'n' } } });
    const abort = new AbortController();
    const given = destination.write([message(0, { n: 0 })], { ...patient, signal: abort.signal });
    abort.abort();
    expect(await given).toEqual([{ status: 'untried' }]);
    expect(await outcomesOf(destination, [message(0, { n: 0 })])).toEqual(wrote(1));
    expect(context.counts.postgres_connections_total).toBe(1);
    expect(await sql('SELECT n FROM t')).toEqual([[0]]);
  });

  it('takes the catalog anew before it refuses a value', async () => {
    await sql('CREATE TABLE t (name varchar(3))');
    let now = 0;
    const clock: Clock = { ...wallClock, monotonic: () => now };
    const { destination } = destinationTo({ into: { table: 't', columns: { name: 'name' } } }, database.server, clock);
    expect(await outcomesOf(destination, [message(0, { name: 'Ann' })])).toEqual(wrote(1));
    await sql('ALTER TABLE t ALTER name TYPE varchar(30)');
    now = 6_000;
    expect(await outcomesOf(destination, [message(1, { name: 'Annabel' })])).toEqual(wrote(1));
  });

  it('repeats what lost a deadlock', async () => {
    await sql('CREATE TABLE t (id int PRIMARY KEY, n int)');
    await sql('INSERT INTO t VALUES (1, 0), (2, 0)');
    const sleepy = 'WITH slept AS (SELECT pg_sleep(0.1)) UPDATE t SET n = n + 1 FROM slept WHERE id = $1';
    const pair = [
      destinationTo({ sql: sleepy, values: ['id'] }),
      destinationTo({ sql: sleepy, values: ['id'] }),
    ] as const;
    const forth = [1, 2].map((id, n) => message(n, { id }));
    const back = [2, 1].map((id, n) => message(n + 10, { id }));
    // The inbox is made first, so that both begin at the same time.
    for (const { destination } of pair) await outcomesOf(destination, [message(99, { id: 0 })]);
    const both = await Promise.all([outcomesOf(pair[0].destination, forth), outcomesOf(pair[1].destination, back)]);
    expect(both).toEqual([wrote(2), wrote(2)]);
    const repeated = pair.map(({ context }) => context.counts.postgres_repeated_total ?? 0);
    expect(repeated.toSorted()).toEqual([0, 1]);
    expect(await sql('SELECT n FROM t')).toEqual([[2], [2]]);
  });

  it('forgets effect ids past their time, each by its own', async () => {
    await sql('CREATE TABLE t (n int)');
    let now = 0;
    const clock: Clock = { ...wallClock, monotonic: () => now };
    const { destination } = destinationTo({ into: { table: 't', columns: { n: 'n' } } }, database.server, clock);
    await outcomesOf(
      destination,
      [0, 1, 2].map((n) => message(n, { n })),
    );
    await sql(
      "UPDATE weir_inbox SET keep_until = now() - interval '1 second' WHERE effect_id <> (SELECT min(effect_id) FROM weir_inbox)",
    );
    now = 3_600_001;
    expect(await outcomesOf(destination, [message(3, { n: 3 })])).toEqual(wrote(1));
    expect(await sql('SELECT count(*) FROM weir_inbox')).toEqual([[2]]);
  });

  it('writes messages as they came, without decoding them', async () => {
    await sql('CREATE TABLE t (id text, content text, raw bytea)');
    const columns = { id: '${messageId}', content: { bytes: true as const }, raw: { bytes: true as const } };
    const { destination } = destinationTo({ into: { table: 't', columns } });
    const hl7 = Buffer.from('MSH|^~\\&|A\rPID|1||"\\x"\r');
    expect(await outcomesOf(destination, [message(1, 0, { bytes: hl7 })])).toEqual(wrote(1));
    expect(await sql("SELECT content, encode(raw, 'escape') = replace(content, '\\', '\\\\') FROM t")).toEqual([
      [hl7.toString(), true],
    ]);
    const json = destinationTo({ into: { table: 't', columns: { content: 'x' } } });
    await expect(json.destination.write([message(2, 0, { bytes: hl7 })], patient)).rejects.toMatchObject({
      code: 'decode-failed',
      kind: 'permanent',
      scope: 'message',
    });
  });
});
