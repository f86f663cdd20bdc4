import { describe, expect, it, onTestFinished } from 'vitest';
import type { ServiceCommit, ServiceStore } from '../services/service-store.ts';

/** One place that stores are opened on again and again. */
export interface ServicePlace {
  open(): Promise<ServiceStore>;
}

const nothing: ServiceCommit = {
  ...{ documents: [], cursors: [], ids: [], generation: 5, outbox: [], publishedUpTo: 0 },
};
const row = (seq: number) => ({
  ...{ seq, topic: 'a.v1', key: 'k', headers: { a: 'ü' }, value: Buffer.from([0, 255, seq]) },
});
const plain = (rows: readonly { readonly seq: number; readonly value: Uint8Array }[]) =>
  rows.map(({ seq, value }) => [seq, ...value]);

/** What every ServiceStore owes its callers. */
export function serviceStoreSuite(name: string, newPlace: () => Promise<ServicePlace>): void {
  async function opened() {
    const place = await newPlace();
    const stores: ServiceStore[] = [];
    onTestFinished(async () => {
      for (const store of stores) await store[Symbol.asyncDispose]();
    });
    return async () => {
      const store = await place.open();
      stores.push(store);
      return store;
    };
  }

  describe(`service store: ${name}`, () => {
    it('has at the next opening what was committed, and nothing of another service', async () => {
      const open = await opened();
      const store = await open();
      const one = await store.open('one');
      expect(one.image).toMatchObject({ documents: [], cursors: [], outbox: [], lastSeq: 0 });
      await one.commit({
        ...nothing,
        documents: [
          { collection: 'c', key: 'a', text: '{"n":1}' },
          { collection: 'c', key: 'b', text: '{"ü\'\\\\":"\\u0000"}' },
        ],
        cursors: [{ topic: 'a.v1', partition: 3, next: 8, at: 1_700_000_000_000 }],
        outbox: [row(1), row(2), row(3)],
      });
      await one.commit({
        ...nothing,
        documents: [
          { collection: 'c', key: 'a', text: undefined },
          { collection: 'd', key: 'a', text: '{"n":2}' },
        ],
        cursors: [{ topic: 'a.v1', partition: 3, next: 9, at: 1_700_000_000_001 }],
        publishedUpTo: 2,
      });
      await store[Symbol.asyncDispose]();
      const again = await open();
      const { image } = await again.open('one');
      expect(image.documents).toHaveLength(2);
      expect(image.documents).toEqual(
        expect.arrayContaining([
          { collection: 'c', key: 'b', text: '{"ü\'\\\\":"\\u0000"}' },
          { collection: 'd', key: 'a', text: '{"n":2}' },
        ]),
      );
      expect(image.cursors).toEqual([{ topic: 'a.v1', partition: 3, next: 9, at: 1_700_000_000_001 }]);
      expect(plain(image.outbox)).toEqual([[3, 0, 255, 3]]);
      expect(image.outbox[0]).toMatchObject({ topic: 'a.v1', key: 'k', headers: { a: 'ü' } });
      expect([image.lastSeq, image.instance]).toEqual([3, one.image.instance]);
      expect((await again.open('two')).image).toMatchObject({ documents: [], cursors: [], outbox: [], lastSeq: 0 });
    });

    it('knows the ids of this generation and the one before it', async () => {
      const session = await (await (await opened())()).open('one');
      await session.commit({ ...nothing, generation: 5, ids: ['a', 'b'] });
      await session.commit({ ...nothing, generation: 6, ids: ['c'] });
      expect((await session.known(['a', 'b', 'c', 'd', 'a'], 6)).toSorted()).toEqual(['a', 'a', 'b', 'c']);
      expect(await session.known(['a', 'c'], 7)).toEqual(['c']);
      await session.commit({ ...nothing, generation: 7 });
      expect(await session.known(['a'], 6)).toEqual([]);
      expect(await session.known([], 6)).toEqual([]);
    });

    it('refuses whoever had the service before the last opening, and changes nothing', async () => {
      const store = await (await opened())();
      const first = await store.open('one');
      const second = await store.open('one');
      const documents = [{ collection: 'c', key: 'a', text: '{}' }];
      await expect(first.commit({ ...nothing, documents, ids: ['a'] })).rejects.toMatchObject({ code: 'lease-lost' });
      expect(await second.known(['a'], 5)).toEqual([]);
      await second.commit({ ...nothing, documents: [{ collection: 'c', key: 'b', text: '{}' }] });
      expect((await store.open('one')).image.documents.map(({ key }) => key)).toEqual(['b']);
    });
  });
}
