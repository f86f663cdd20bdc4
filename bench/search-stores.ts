import { join } from 'node:path';
import { newDatabase, serverOf } from '../clients/postgres/testing/database.ts';
import { openPostgresStore } from '../connectors/postgres/message-store/postgres-store.ts';
import { openPostgresIndex } from '../connectors/postgres/message-store/search/postgres-index.ts';
import { openEmbeddedIndex } from '../core/search/embedded-index.ts';
import type { SearchIndex } from '../core/search/search-index.ts';
import type { MessageStore } from '../core/store/message-store.ts';
import { openSqliteStore } from '../core/store/sqlite/sqlite-store.ts';
import { service, uniqueName } from '../core/testing/services.ts';
import { runDirectory } from './disk.ts';

export type BenchStore = MessageStore & AsyncDisposable;

/** Where a benchmark of search has its store and its index. Disposing of it removes both. */
export interface SearchBench extends AsyncDisposable {
  readonly what: string;
  /** Opens it at a time: a new day begins a new partition, where there are partitions. */
  openStore(now: () => number): Promise<BenchStore>;
  openIndex(freeText: boolean): Promise<SearchIndex>;
}

const extractor = {
  module: new URL('../hub/search/hl7v2-extractor.ts', import.meta.url).href,
  name: 'hl7v2Extractor',
  options: { paths: ['OBR-18', 'IPC-1'] },
};

export async function onSqlite(): Promise<SearchBench> {
  const directory = await runDirectory('search');
  const messages = join(directory.path, 'messages');
  return {
    what: 'SQLite, fsync on',
    openStore: (now) => openSqliteStore({ directory: messages, now }),
    openIndex: (freeText) =>
      openEmbeddedIndex({
        ...{ directory: join(directory.path, 'search'), now: Date.now, freeText, extractor },
        feed: {
          module: new URL('../core/store/sqlite/feed.ts', import.meta.url).href,
          name: 'sqliteFeed',
          options: { directory: messages },
        },
      }),
    [Symbol.asyncDispose]: async () => await directory[Symbol.asyncDispose](),
  };
}

export async function onPostgres(): Promise<SearchBench> {
  const { address, missing } = await service('postgres', import.meta.filename);
  if (missing !== undefined) throw new Error(`bench:search: ${missing}`);
  const database = await newDatabase(serverOf(address), uniqueName(import.meta.filename));
  const { server } = database;
  const rows = await database.sql(
    "SELECT string_agg(name || ' ' || setting, ', ' ORDER BY name) FROM pg_settings WHERE name IN ('server_version', 'fsync', 'synchronous_commit', 'shared_buffers')",
  );
  return {
    what: `PostgreSQL, ${rows[0]?.[0]}`,
    openStore: (now) => openPostgresStore({ server, hub: 'bench', now }),
    openIndex: (freeText) => openPostgresIndex({ server, hub: 'bench', now: Date.now, freeText, extractor }),
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}
