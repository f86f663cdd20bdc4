import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteStore } from '../../store/sqlite/sqlite-store.ts';
import type { SearchPlace } from '../../testing/search-fixture.ts';
import { openEmbeddedIndex } from '../embedded-index.ts';

export interface SqlitePlace extends SearchPlace {
  readonly directory: string;
  readonly messages: string;
  /** Of the index. */
  readonly folder: string;
  /** Of a day's identifiers. */
  fileOf(day: string): string;
}

/** A SQLite store and the embedded index of it, in a folder of their own. */
export async function sqlitePlace(): Promise<SqlitePlace> {
  const directory = await mkdtemp(join(tmpdir(), 'weir-search-'));
  const [messages, folder] = [join(directory, 'messages'), join(directory, 'search')];
  return {
    ...{ directory, messages, folder },
    fileOf: (day) => join(folder, `${day}.db`),
    openStore: (now) => openSqliteStore({ directory: messages, now, lowWaterBytes: 0, reserveBytes: 0 }),
    openIndex: (now, settings) =>
      openEmbeddedIndex({
        ...{ directory: folder, now, pollMs: 5 },
        feed: {
          module: new URL('../../store/sqlite/feed.ts', import.meta.url).href,
          name: 'sqliteFeed',
          options: { directory: messages },
        },
        extractor: {
          module: new URL('./words-extractor.ts', import.meta.url).href,
          name: 'wordsExtractor',
          options: {},
        },
        ...settings,
      }),
    written: async () => {
      const files = (await readdir(folder)).map((name) => readFile(join(folder, name), 'latin1'));
      return (await Promise.all(files)).join('');
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}
