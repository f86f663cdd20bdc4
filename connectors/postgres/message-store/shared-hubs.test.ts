import { randomBytes } from 'node:crypto';
import { afterAll, describe } from 'vitest';
import { testDatabase } from '../../../clients/postgres/testing/database.ts';
import type { SharedPlace } from '../../../core/testing/hubs-fixture.ts';
import { sharedHubsSuite } from '../../../core/testing/shared-hubs-suite.ts';
import { sharedStoreSuite } from '../../../core/testing/store-suite-shared.ts';
import { openPostgresStore } from './postgres-store.ts';

const database = await testDatabase(import.meta.filename);
afterAll(() => database[Symbol.asyncDispose]());

async function place(): Promise<SharedPlace> {
  const schema = `shared_${randomBytes(6).toString('hex')}`;
  return {
    open: (hub) => openPostgresStore({ server: database.server, schema, hub, now: Date.now }),
    [Symbol.asyncDispose]: async () => void (await database.sql(`DROP SCHEMA ${schema} CASCADE`)),
  };
}

describe.skipIf(database.missing)('over a real server', () => {
  sharedStoreSuite('the PostgreSQL store', place);
  sharedHubsSuite('the PostgreSQL store', place);
});
