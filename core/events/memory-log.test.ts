import { eventLogSuite } from '../testing/event-log-suite.ts';
import { type MemoryLogState, openMemoryLog } from './memory-log.ts';

eventLogSuite('memory', async () => {
  const state: MemoryLogState = new Map();
  let time = Date.UTC(2026, 0, 5, 6);
  return {
    storesOnHeap: true,
    open: async () => openMemoryLog({ now: () => time, state }),
    advance(ms) {
      time += ms;
    },
  };
});
