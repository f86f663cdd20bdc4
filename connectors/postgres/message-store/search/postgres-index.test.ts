import { afterAll, describe } from 'vitest';
import { testDatabase } from '../../../../clients/postgres/testing/database.ts';
import { searchSuite } from '../../../../core/testing/search-suite.ts';
import { postgresPlace } from './testing/postgres-place.ts';

const database = await testDatabase(import.meta.filename);
afterAll(() => database[Symbol.asyncDispose]());

describe.skipIf(database.missing)('over a real server', () => {
  searchSuite('the index of the PostgreSQL store', () => postgresPlace(database), 5);
});
