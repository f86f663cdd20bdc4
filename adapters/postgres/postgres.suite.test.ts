import { afterAll, describe } from 'vitest';
import type { PostgresServer } from '../../clients/postgres/server.ts';
import { testDatabase } from '../../clients/postgres/testing/database.ts';
import { fakeSourceContext } from '../../core/testing/contexts.ts';
import { service, uniqueName } from '../../core/testing/services.ts';
import { describeSource } from '../../core/testing/source-suite.ts';
import { postgres } from './postgres.ts';

const database = await testDatabase(import.meta.filename);
const bouncer = await service('pgbouncer', import.meta.filename);
afterAll(() => database[Symbol.asyncDispose]());

type Config = Parameters<typeof postgres>[0];

function describeAt(name: string, server: () => PostgresServer, way: 'poll' | 'query' | 'claim'): void {
  describeSource({
    name,
    acknowledges: postgres.acknowledges,
    ackPoints: ['stored', 'transformed', 'settled'],
    negativeAnswer: 'confirmed',
    bound: { arrivals: 4, calls: 1 },
    message: (number) => Buffer.from(JSON.stringify({ id: number, what: `row ${number}` })),
    async setUp(ackAfter) {
      const table = uniqueName(import.meta.filename);
      const state = { table: `${table}_state`, create: true };
      const ways: Readonly<Record<typeof way, Pick<Config, 'poll' | 'claim'>>> = {
        poll: { poll: { table, watermark: 'id', state } },
        query: { poll: { query: `SELECT id, what FROM ${table}`, watermark: 'id', id: ['id'], state } },
        claim: { claim: { table } },
      };
      await database.sql(`CREATE TABLE ${table} (id int PRIMARY KEY, what text)`);
      const endpoints = { far: { kind: 'postgres', ...server() } as const };
      const context = fakeSourceContext({ channel: table, ackAfter, endpoints });
      const offered: number[] = [];
      return {
        create: () => postgres({ endpoint: 'far', ...ways[way], batch: 4, pollMs: 20 }).create(context),
        async offer(numbers) {
          offered.push(...numbers);
          const rows = numbers.map((number) => `(${number}, 'row ${number}')`).join(', ');
          await database.sql(`INSERT INTO ${table} VALUES ${rows}`);
        },
        async confirmed() {
          if (way === 'claim') {
            const left = new Set((await database.sql(`SELECT id FROM ${table}`)).map(([id]) => Number(id)));
            return offered.filter((number) => !left.has(number));
          }
          const [[there] = []] = await database.sql(`SELECT to_regclass('${state.table}')::text`);
          if (there === null) return [];
          const [[last] = []] = await database.sql(`SELECT watermark FROM ${state.table}`);
          return offered.filter((number) => last !== undefined && number <= Number(last));
        },
        refused: async () => [],
        [Symbol.asyncDispose]: async () => void (await database.sql(`DROP TABLE IF EXISTS ${table}, ${state.table}`)),
      };
    },
  });
}

describe.skipIf(database.missing)('against a server', () => {
  describeAt('postgres by a watermark', () => database.server, 'poll');
  describeAt('postgres by a query', () => database.server, 'query');
  describeAt('postgres by claims', () => database.server, 'claim');
});

describe.skipIf(bouncer.missing ?? database.missing)('through PgBouncer', () => {
  const { hostname, port } = new URL(bouncer.address || 'postgres://localhost:1');
  const server = () => ({ ...database.server, host: hostname, port: Number(port) });
  describeAt('postgres by a watermark', server, 'poll');
  describeAt('postgres by claims', server, 'claim');
});
