import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { reachDatabase } from '../../../clients/postgres/reach.ts';
import { testDatabase } from '../../../clients/postgres/testing/database.ts';
import { storeDemand } from '../../../connectors/postgres/message-store/store-demand.ts';
import { endpointKinds } from '../../../core/endpoint.ts';
import { uniqueName } from '../../../core/testing/services.ts';
import { openFolder } from '../offline/folder.ts';
import { openEndpoints } from './connect.ts';
import { databaseDemands } from './database-demands.ts';

const database = await testDatabase(import.meta.filename);
afterAll(() => database[Symbol.asyncDispose]());

describe.skipIf(database.missing)('weir check --connect with a database', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'weir-demands-'));
    await mkdir(join(directory, 'env'));
    const { host, port, database: name, user } = database.server;
    await writeFile(
      join(directory, 'env', 'test.yaml'),
      `endpoints:\n  db: { kind: postgres, host: ${host}, port: ${port}, database: ${name}, user: ${user}, password: '\${env:WEIR_TEST_PASSWORD}' }\n`,
    );
    process.env.WEIR_TEST_PASSWORD = database.server.password;
  });
  afterEach(async () => {
    delete process.env.WEIR_TEST_PASSWORD;
    await database.sql('DROP SCHEMA public CASCADE');
    await database.sql('CREATE SCHEMA public');
    await rm(directory, { recursive: true });
  });

  async function opened(destination: string, source = 'schedule: { name: x, everyMs: 1000 }') {
    const channel = `channel: one\nsource: { ${source} }\ndestinations:\n  db: { to: ${destination} }\n`;
    await writeFile(join(directory, 'one.channel.yaml'), channel);
    const folder = await openFolder({ channels: directory, env: 'test' });
    expect(folder.problems).toEqual([]);
    const { endpoints } = folder.environment;
    const [found] = await openEndpoints(endpoints, directory, 5_000, databaseDemands(folder));
    return found!;
  }

  it('asks the database of the message store whether its schema can be made', async () => {
    const role = uniqueName(import.meta.filename);
    await database.sql(`CREATE ROLE ${role} LOGIN PASSWORD 'x'`);
    try {
      const server = { ...database.server, user: role, password: 'x' };
      const asked = reachDatabase(server, 5_000, [storeDemand('weir_of_nobody')]);
      await expect(asked).rejects.toThrow('schema weir_of_nobody is not there, and `user` may not make one');
      await expect(reachDatabase(server, 5_000, [storeDemand('pg_catalog')])).rejects.toThrow(
        'may not make tables in it',
      );
      expect(await reachDatabase(database.server, 5_000, [storeDemand('weir_of_nobody')])).toMatch(/^logged in/);
    } finally {
      await database.sql(`DROP ROLE ${role}`);
    }
  });

  it('says that tables and columns are as the channel wants them', async () => {
    await database.sql('CREATE TABLE patient (mrn text PRIMARY KEY, birth_date date)');
    const found = await opened(
      `{ postgres: { endpoint: db, into: { table: patient, columns: { mrn: id, birth_date: born }, conflict: [mrn] }, createInbox: true } }`,
    );
    expect(found).toMatchObject({ result: 'ok', detail: expect.stringMatching(/^logged in to .*, PostgreSQL \d+/) });
  });

  it('names everything that is not, with what was probably meant', async () => {
    await database.sql(
      'CREATE TABLE patient (mrn text NOT NULL, birth_date date, ward int NOT NULL, age int GENERATED ALWAYS AS (1) STORED)',
    );
    const { result, detail } = await opened(
      `{ postgres: { endpoint: db, into: { table: patient, columns: { mrn: id, birthdate: born, age: age, ward: { constant: ICU } }, conflict: [mrn] } } }`,
    );
    expect(result).toBe('failed');
    expect(detail.split('; ')).toEqual([
      'one, destination db (postgres): into.columns.birthdate: public.patient has no column birthdate – did you mean birth_date?',
      'one, destination db (postgres): into.columns.age: the database itself gives age its value',
      'one, destination db (postgres): into.conflict: public.patient has no primary key or unique index on (mrn), but none at all',
      'one, destination db (postgres): into.columns.ward: the constant is no whole number: it is for integer',
      expect.stringMatching(/inbox: there is no table weir_inbox\. createInbox: true makes it, or: CREATE TABLE/),
      expect.stringMatching(/^CREATE INDEX/),
    ]);
  });

  it('names a table that is not there, and the statement that makes the inbox', async () => {
    await database.sql('CREATE TABLE patients (mrn text)');
    const { detail } = await opened('{ postgres: { endpoint: db, into: { table: patient, columns: { mrn: id } } } }');
    expect(detail).toContain('into.table: there is no table patient – did you mean patients?');
    expect(detail).toContain('inbox: there is no table weir_inbox. createInbox: true makes it, or: CREATE TABLE');
  });

  it('has the database read a statement, and counts its values', async () => {
    await database.sql('CREATE TABLE patient (mrn text)');
    const to = (sql: string) => `{ postgres: { endpoint: db, sql: '${sql}', values: [id, name], once: false } }`;
    expect((await opened(to('INSERT INTO patient (mrn) VALUES ($1)'))).detail).toMatch(
      /values: the statement has 1 parameters, and there are 2 values$/,
    );
    expect((await opened(to('INSERT INTO patient (mrm) VALUES ($1)'))).detail).toMatch(
      /sql: the database does not take it: column "mrm" of relation "patient" does not exist \(42703\)$/,
    );
  });

  it('finds nothing wrong with the tables of docs/postgres.md', async () => {
    const page = readFileSync(join(import.meta.dirname, '../../../docs/postgres.md'), 'utf8');
    const [endpoint] = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text]) => parse(text!));
    expect(
      endpointKinds.postgres.safeParse({ ...endpoint.endpoints.warehouse, kind: undefined }).error?.issues,
    ).toEqual([expect.objectContaining({ code: 'unrecognized_keys', keys: ['kind'] })]);
    const blocks = [...page.matchAll(/^```sql\n(.*?)^```$/gms)].map(([, text]) => text!);
    expect(blocks).toHaveLength(2);
    for (const block of blocks) await database.sql(block.replace('TO weir', `TO ${database.server.user}`));
    await database.sql('CREATE TABLE result (id int PRIMARY KEY)');
    const found = await opened(
      '{ postgres: { endpoint: db, into: { table: result, columns: { id: id } } } }',
      'postgres: { endpoint: db, poll: { table: result, watermark: id } }',
    );
    expect(found).toMatchObject({ result: 'ok' });
  });

  it('asks the same for a source', async () => {
    await database.sql('CREATE TABLE result (id int, changed_at timestamptz)');
    const polled = await opened(
      '{ discard: {} }',
      'postgres: { endpoint: db, poll: { table: result, watermark: changed } }',
    );
    expect(polled.detail).toContain(
      'one, source (postgres): poll.id: public.result has no primary key that could tell rows apart',
    );
    expect(polled.detail).toContain('poll.watermark: public.result has no column changed');
    expect(polled.detail).toContain(
      'poll.state: there is no table weir_watermark. create: true makes it, or: CREATE TABLE',
    );
    const claimed = await opened('{ discard: {} }', 'postgres: { endpoint: db, claim: { table: results } }');
    expect(claimed.detail).toContain('claim.table: there is no table results – did you mean result?');
  });
});
