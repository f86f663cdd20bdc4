import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Log } from '../../core/component.ts';
import type { EndpointOf } from '../../core/endpoint.ts';
import { errorRecord, HubError } from '../../core/errors.ts';
import { openEmbeddedIndex } from '../../core/search/embedded-index.ts';
import type { ModuleExport } from '../../core/search/extractor.ts';
import type { SearchIndex } from '../../core/search/search-index.ts';
import type { Settings } from '../settings.ts';
import { systemClock } from '../system-clock.ts';

/**
 * Opens the index of the store that `openBackends` has opened, in the database that it is in or else in files. It follows the store
 * from a thread of its own; what becomes of it concerns nothing but finding.
 */
export function openSearch(
  settings: Settings,
  database: EndpointOf<'postgres'> | undefined,
  log: Log,
): Promise<SearchIndex> {
  const searching = database ? inDatabase(settings, database, log) : inFiles(settings);
  searching.then(
    async (index) =>
      log.error({ ...errorRecord(await index.failed) }, 'nothing can be found until the hub starts again'),
    // Whoever waits for it hears of it.
    () => undefined,
  );
  return searching;
}

/** Wrong settings are refused; an index that cannot be opened for another reason must not keep messages from going through. */
export async function usableSearch(searching: Promise<SearchIndex>, log: Log): Promise<void> {
  try {
    await searching;
  } catch (thrown) {
    if (!(thrown instanceof HubError) || thrown.code === 'config-invalid') throw thrown;
    log.error({ ...errorRecord(thrown) }, 'nothing can be found until the hub starts again');
  }
}

export async function closeSearch(searching: Promise<SearchIndex>): Promise<void> {
  const index = await searching.catch(() => undefined);
  await index?.[Symbol.asyncDispose]();
}

function inFiles({ stateDir, search, store }: Settings): Promise<SearchIndex> {
  return openEmbeddedIndex({
    directory: join(stateDir, 'search'),
    now: systemClock.now,
    freeText: search.freeText,
    lowWaterBytes: store.lowWaterBytes,
    feed: {
      module: new URL('../../core/store/sqlite/feed.ts', import.meta.url).href,
      name: 'sqliteFeed',
      options: { directory: join(stateDir, 'messages') },
    },
    extractor: extractorOf(search),
  });
}

/** The driver is not loaded by a hub that does not stand on it. */
async function inDatabase(
  { search, store, hub }: Settings,
  server: EndpointOf<'postgres'>,
  log: Log,
): Promise<SearchIndex> {
  const { openPostgresIndex } = await import('../../connectors/postgres/message-store/search/postgres-index.ts');
  return await openPostgresIndex({
    ...{ server, hub: hub ?? hostname(), now: systemClock.now, log },
    ...{ freeText: search.freeText, extractor: extractorOf(search) },
    ...(store.postgres && { schema: store.postgres.schema }),
  });
}

function extractorOf({ paths }: Settings['search']): ModuleExport {
  return { module: new URL('./hl7v2-extractor.ts', import.meta.url).href, name: 'hl7v2Extractor', options: { paths } };
}
