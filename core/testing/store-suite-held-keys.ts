import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MessageStore } from '../store/message-store.ts';
import {
  anyBytes,
  beginning,
  channel,
  enqueue,
  type OpenStore,
  type StoreHarness,
  start,
  toSent,
} from './store-fixture.ts';

/** What is held by key in the queue of a destination. */
export function storeHeldKeysSuite(open: OpenStore): void {
  describe('rule 20: held keys', () => {
    let harness: StoreHarness;
    let store: MessageStore;
    let now = start;
    beforeEach(async () => {
      now = start;
      harness = await open({ now: () => now });
      store = harness.store;
    });
    afterEach(() => harness[Symbol.asyncDispose]());

    const unblock = async (key: string, limit = 100) => {
      const { parts, next } = await store.unblock(channel, 'lab', key, limit);
      return { seqs: parts.map(({ seq }) => seq), ...(next ? { next: next.seq } : {}) };
    };

    it('makes the lowest blocked parts of one key ready, in order', async () => {
      const a = [await enqueue(store, 'blocked', ['a']), await enqueue(store, 'blocked', ['a'])];
      const b = await enqueue(store, 'blocked', ['b']);
      a.push(await enqueue(store, 'blocked', ['a']));
      expect(await unblock('a', 2)).toEqual({ seqs: a.slice(0, 2), next: a[2] });
      const ready = await store.ready(channel, 'lab', beginning, 10, anyBytes);
      expect(ready.map(({ seq }) => seq)).toEqual(a.slice(0, 2));
      expect(await unblock('a')).toEqual({ seqs: a.slice(2) });
      expect(await unblock('a')).toEqual({ seqs: [] });
      expect(await unblock('b')).toEqual({ seqs: [b] });
    });

    it('rule 2: a part with two keys stays blocked until both are free, and what is behind it, too', async () => {
      const head = await enqueue(store, 'waiting', ['b'], { retryAt: start });
      const first = await enqueue(store, 'blocked', ['a']);
      const merge = await enqueue(store, 'blocked', ['a', 'b']);
      const behind = await enqueue(store, 'blocked', ['a']);
      expect(await unblock('a')).toEqual({ seqs: [first], next: merge });
      await store.update(channel, [toSent(head), toSent(first)]);
      const { parts, keys } = await store.unblock(channel, 'lab', 'b', 100);
      expect(parts.map(({ seq }) => seq)).toEqual([merge]);
      expect([...keys].sort()).toEqual(['a', 'b']);
      expect(await unblock('a')).toEqual({ seqs: [behind] });
    });

    it('leaves parts behind a waiting one of their key blocked', async () => {
      const waiting = await enqueue(store, 'waiting', ['a'], { retryAt: start });
      await enqueue(store, 'blocked', ['a']);
      expect(await unblock('a')).toEqual({ seqs: [], next: waiting });
    });

    it('says of each held key which queued part is its lowest', async () => {
      const a = await enqueue(store, 'waiting', ['a'], { retryAt: start + 70 });
      now = start + 100;
      await enqueue(store, 'blocked', ['a']);
      await enqueue(store, 'ready', ['free']);
      const b = await enqueue(store, 'ready', ['b']);
      const merge = await enqueue(store, 'blocked', ['b', 'c', '']);
      const part = { n: 0 };
      expect(await store.queueState(channel, 'lab')).toEqual({
        ...{ ready: 2, waiting: 1, blocked: 2, bytes: 30, oldest: start, nextRetryAt: start + 70 },
        held: [
          { key: '', head: { seq: merge, ...part } },
          { key: 'a', head: { seq: a, ...part } },
          { key: 'b', head: { seq: b, ...part } },
          { key: 'c', head: { seq: merge, ...part } },
        ],
      });
      expect((await store.queueState(channel, 'lab', 2)).held.length).toBe(2);
      expect(await store.queueState(channel, 'none')).toEqual({
        ready: 0,
        waiting: 0,
        blocked: 0,
        bytes: 0,
        held: [],
      });
    });

    it('a part without keys is held by nobody', async () => {
      await enqueue(store, 'ready', []);
      expect((await store.queueState(channel, 'lab')).held).toEqual([]);
    });
  });
}
