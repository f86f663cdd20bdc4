import { storeSuite } from '../testing/store-suite.ts';
import { MemoryContents } from './memory-contents.ts';
import { openMemoryStore } from './memory-store.ts';

storeSuite('the memory store', async (options) => {
  const contents = new MemoryContents();
  let store = openMemoryStore({ ...options, contents });
  return {
    get store() {
      return store;
    },
    reopen: async () => {
      await store[Symbol.asyncDispose]();
      store = openMemoryStore({ ...options, contents });
      return store;
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
});
