import { HubError } from '../errors.ts';
import type { Cursor, OutboxRow, ServiceCommit, ServiceSession, ServiceStore } from './service-store.ts';

interface Kept {
  epoch: number;
  lastSeq: number;
  readonly documents: Map<string, { readonly collection: string; readonly key: string; readonly text: string }>;
  readonly cursors: Map<string, Cursor>;
  readonly generations: Map<number, Set<string>>;
  outbox: readonly OutboxRow[];
}

/** What a memory store keeps; hand it to the next one to go on where the last one ended. */
export type MemoryServices = Map<string, Kept>;

/** A service store on the heap, for tests: the behaviour of a durable one without the durability. */
export function openMemoryServiceStore(services: MemoryServices = new Map()): ServiceStore {
  return {
    async open(service): Promise<ServiceSession> {
      let kept = services.get(service);
      if (!kept) {
        kept = { epoch: 0, lastSeq: 0, documents: new Map(), cursors: new Map(), generations: new Map(), outbox: [] };
        services.set(service, kept);
      }
      return sessionOf(service, kept, ++kept.epoch);
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

function sessionOf(service: string, kept: Kept, epoch: number): ServiceSession {
  const { documents, cursors, outbox, lastSeq } = kept;
  return {
    image: {
      ...{ instance: 'memory', documents: [...documents.values()], cursors: [...cursors.values()], outbox, lastSeq },
    },
    async known(ids, generation) {
      const sets = [generation, generation - 1].map((each) => kept.generations.get(each));
      return ids.filter((id) => sets.some((set) => set?.has(id)));
    },
    async commit(commit) {
      if (kept.epoch !== epoch)
        throw new HubError('lease-lost', 'transient', `committing ${service}: it runs elsewhere`);
      put(kept, commit);
    },
    close: async () => undefined,
  };
}

function put(kept: Kept, { documents, cursors, ids, generation, outbox, publishedUpTo }: ServiceCommit): void {
  for (const { collection, key, text } of documents) {
    const name = JSON.stringify([collection, key]);
    if (text === undefined) kept.documents.delete(name);
    else kept.documents.set(name, { collection, key, text });
  }
  for (const cursor of cursors) kept.cursors.set(JSON.stringify([cursor.topic, cursor.partition]), cursor);
  for (const each of kept.generations.keys()) if (each < generation - 1) kept.generations.delete(each);
  const known = kept.generations.get(generation) ?? new Set();
  for (const id of ids) known.add(id);
  kept.generations.set(generation, known);
  kept.outbox = [...kept.outbox, ...outbox].filter(({ seq }) => seq > publishedUpTo);
  kept.lastSeq = outbox.at(-1)?.seq ?? kept.lastSeq;
}
