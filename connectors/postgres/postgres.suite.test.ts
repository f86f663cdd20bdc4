import { afterAll, describe } from 'vitest';
import type { PostgresServer } from '../../clients/postgres/server.ts';
import { PostgresSession } from '../../clients/postgres/session.ts';
import { testDatabase } from '../../clients/postgres/testing/database.ts';
import { fakeDestinationContext } from '../../core/testing/contexts.ts';
import { describeDestination, patient } from '../../core/testing/destination-suite.ts';
import { service, uniqueName } from '../../core/testing/services.ts';
import { postgres } from './postgres.ts';

const database = await testDatabase(import.meta.filename);
const bouncer = await service('pgbouncer', import.meta.filename);
afterAll(() => database[Symbol.asyncDispose]());

type Config = Parameters<typeof postgres>[0];
type Writing = (table: string) => Pick<Config, 'into' | 'sql' | 'values'>;
const byColumns: Writing = (table) => ({ into: { table, columns: { n: 'n' } } });
const byStatement: Writing = (table) => ({ sql: `INSERT INTO ${table} (n) VALUES ($1)`, values: ['n'] });

function describeAt(name: string, server: () => PostgresServer, writing: Writing): void {
  describeDestination<unknown>({
    name,
    spec: postgres({ endpoint: 'far', ...writing('t') }),
    message: (number) => ({ payload: { n: number }, bytes: Buffer.from(JSON.stringify({ n: number })) }),
    async setUp() {
      const table = uniqueName(import.meta.filename);
      const inbox = `${table}_inbox`;
      await database.sql(`CREATE TABLE ${table} (at bigint GENERATED ALWAYS AS IDENTITY, n int)`);
      // What an insert has to wait for, whereas reading the statement and the catalog has not.
      await database.sql(`CREATE FUNCTION ${table}() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_advisory_xact_lock_shared(hashtext('${table}')); RETURN new; END $$`);
      await database.sql(`CREATE TRIGGER held BEFORE INSERT ON ${table} FOR EACH ROW EXECUTE FUNCTION ${table}()`);
      const endpoints = { far: { kind: 'postgres', ...server() } as const };
      const context = fakeDestinationContext({ endpoints });
      const destination = postgres({ endpoint: 'far', ...writing(table), inbox, createInbox: true }).create(context);
      return {
        destination,
        async received() {
          return (await database.sql(`SELECT n FROM ${table} ORDER BY at`)).map(([n]) => Number(n));
        },
        async failAt(batch, position) {
          const { n } = JSON.parse(Buffer.from(batch[position]!.bytes).toString()) as { readonly n: number };
          await database.sql(`ALTER TABLE ${table} ADD CONSTRAINT bad CHECK (n <> ${n})`);
          return async () => void (await database.sql(`ALTER TABLE ${table} DROP CONSTRAINT bad`));
        },
        async hold() {
          // Connected, with the catalog read: what is held is a write, not the way there.
          await destination.write([], patient);
          const options = { applicationName: 'holding', connectTimeoutMs: 5_000, answerTimeoutMs: 60_000 };
          const session = await PostgresSession.open(database.server, options);
          await session.ask(`SELECT pg_advisory_lock(hashtext('${table}'))`);
          return () => session.close();
        },
        async [Symbol.asyncDispose]() {
          await destination[Symbol.asyncDispose]();
          await database.sql(`DROP TABLE IF EXISTS ${table}, ${inbox}`);
          await database.sql(`DROP FUNCTION ${table}`);
        },
      };
    },
  });
}

describe.skipIf(database.missing)('against a server', () => {
  describeAt('postgres into columns', () => database.server, byColumns);
  describeAt('postgres by a statement', () => database.server, byStatement);
});

describe.skipIf(bouncer.missing ?? database.missing)('through PgBouncer', () => {
  const { hostname, port } = new URL(bouncer.address || 'postgres://localhost:1');
  describeAt('postgres into columns', () => ({ ...database.server, host: hostname, port: Number(port) }), byColumns);
  describeAt(
    'postgres by a statement',
    () => ({ ...database.server, host: hostname, port: Number(port) }),
    byStatement,
  );
});
