import { randomBytes } from 'node:crypto';
import type { PostgresServer } from '../../../../../clients/postgres/server.ts';
import type { TestDatabase } from '../../../../../clients/postgres/testing/database.ts';
import type { IndexSettings, SearchPlace } from '../../../../../core/testing/search-fixture.ts';
import { openPostgresStore, type PostgresStore } from '../../postgres-store.ts';
import { openPostgresIndex, type PostgresIndex } from '../postgres-index.ts';

export const wordsExtractor = {
  module: new URL('../../../../../core/search/testing/words-extractor.ts', import.meta.url).href,
  name: 'wordsExtractor',
  options: {},
};

export interface PostgresPlace extends SearchPlace {
  readonly schema: string;
  openStore(now: () => number, hub?: string): Promise<PostgresStore>;
  openIndex(now: () => number, settings: IndexSettings, hub?: string): Promise<PostgresIndex>;
  sql(text: string): Promise<readonly (readonly unknown[])[]>;
}

/** A store and its index in a schema of their own; `$` in SQL stands for it. */
export async function postgresPlace(
  database: TestDatabase,
  server: PostgresServer = database.server,
): Promise<PostgresPlace> {
  const schema = `search_${randomBytes(6).toString('hex')}`;
  const sql = (text: string) => database.sql(text.replaceAll('$', schema));
  return {
    ...{ schema, sql },
    openStore: (now, hub = 'one') => openPostgresStore({ server, schema, hub, now }),
    openIndex: (now, settings, hub = 'one') =>
      openPostgresIndex({ server, schema, hub, now, extractor: wordsExtractor, pollMs: 5, ...settings }),
    written: async () => {
      const tables = ['search_term', 'search_path', 'search_text', 'search_open', 'search_position'];
      const rows = await Promise.all(tables.map((table) => sql(`SELECT t::text FROM $.${table} t`)));
      return JSON.stringify(rows);
    },
    [Symbol.asyncDispose]: async () => void (await sql('DROP SCHEMA $ CASCADE')),
  };
}
