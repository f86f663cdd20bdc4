import { MemoryContents } from '../store/memory-contents.ts';
import { openMemoryStore } from '../store/memory-store.ts';
import { sharedHubsSuite } from '../testing/shared-hubs-suite.ts';

sharedHubsSuite('a memory store', async () => {
  const contents = new MemoryContents();
  return {
    open: async (hub) => openMemoryStore({ now: Date.now, contents, hub }),
    [Symbol.asyncDispose]: async () => undefined,
  };
});
