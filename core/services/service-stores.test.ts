import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { serviceStoreSuite } from '../testing/service-store-suite.ts';
import { type MemoryServices, openMemoryServiceStore } from './memory-service-store.ts';
import { openSqliteServiceStore } from './sqlite/sqlite-service-store.ts';

serviceStoreSuite('memory', async () => {
  const services: MemoryServices = new Map();
  return { open: async () => openMemoryServiceStore(services) };
});

serviceStoreSuite('SQLite', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'weir-services-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return { open: () => openSqliteServiceStore(directory) };
});
