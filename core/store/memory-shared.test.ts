import { sharedStoreSuite } from '../testing/store-suite-shared.ts';
import { MemoryContents } from './memory-contents.ts';
import { openMemoryStore } from './memory-store.ts';

sharedStoreSuite('the memory store', async () => {
  const contents = new MemoryContents();
  return {
    open: async (hub) => openMemoryStore({ now: Date.now, contents, hub }),
    [Symbol.asyncDispose]: async () => undefined,
  };
});
