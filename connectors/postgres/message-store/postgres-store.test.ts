import { randomBytes } from 'node:crypto';
import { afterAll, describe } from 'vitest';
import { testDatabase } from '../../../clients/postgres/testing/database.ts';
import { storeSuite } from '../../../core/testing/store-suite.ts';
import { openPostgresStore } from './postgres-store.ts';

const database = await testDatabase(import.meta.filename);
afterAll(() => database[Symbol.asyncDispose]());

describe.skipIf(database.missing)('over a real server', () => {
  storeSuite('the PostgreSQL store', async (options) => {
    const schema = `suite_${randomBytes(6).toString('hex')}`;
    const open = () => openPostgresStore({ ...options, server: database.server, schema, hub: 'one' });
    let store = await open();
    return {
      get store() {
        return store;
      },
      reopen: async () => {
        await store[Symbol.asyncDispose]();
        store = await open();
        return store;
      },
      [Symbol.asyncDispose]: async () => {
        await store[Symbol.asyncDispose]();
        await database.sql(`DROP SCHEMA ${schema} CASCADE`);
      },
    };
  });
});
