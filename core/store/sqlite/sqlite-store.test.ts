import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storeSuite } from '../../testing/store-suite.ts';
import { openSqliteStore } from './sqlite-store.ts';

storeSuite('the SQLite store', async (options) => {
  const directory = await mkdtemp(join(tmpdir(), 'weir-store-'));
  const open = () => openSqliteStore({ ...options, directory, lowWaterBytes: 0, reserveBytes: 0 });
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
      await rm(directory, { recursive: true });
    },
  };
});
