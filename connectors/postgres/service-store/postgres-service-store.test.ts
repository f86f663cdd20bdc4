import { afterAll, describe } from 'vitest';
import { testDatabase } from '../../../clients/postgres/testing/database.ts';
import { serviceStoreSuite } from '../../../core/testing/service-store-suite.ts';
import { service, uniqueName } from '../../../core/testing/services.ts';
import { openPostgresServiceStore } from './postgres-service-store.ts';

const database = await testDatabase(import.meta.filename);
const bouncer = await service('pgbouncer', import.meta.filename);
afterAll(() => database[Symbol.asyncDispose]());

describe.skipIf(database.missing)('against a server', () => {
  serviceStoreSuite('PostgreSQL', async () => {
    const schema = uniqueName(import.meta.filename);
    return { open: () => openPostgresServiceStore({ server: database.server, schema }) };
  });
});

describe.skipIf(bouncer.missing ?? database.missing)('through PgBouncer', () => {
  const { hostname, port } = new URL(bouncer.address || 'postgres://localhost:1');
  serviceStoreSuite('PostgreSQL behind PgBouncer', async () => {
    const schema = uniqueName(import.meta.filename);
    const server = { ...database.server, host: hostname, port: Number(port) };
    return { open: () => openPostgresServiceStore({ server, schema }) };
  });
});
