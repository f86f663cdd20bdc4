import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MessageStore, PartChange } from '../store/message-store.ts';
import {
  analyst,
  anyBytes,
  appendOne,
  beginning,
  bytesOf,
  channel,
  enqueue,
  errorPart,
  labPart,
  newId,
  newMessage,
  type OpenStore,
  queuedPart,
  refused,
  type StoreHarness,
  sentPart,
  settlement,
  start,
  textOf,
  toError,
  toSent,
} from './store-fixture.ts';

/** Queued parts: their order and their transitions (rule 17). */
export function storeQueueSuite(open: OpenStore): void {
  describe('the queue', () => {
    let harness: StoreHarness;
    let store: MessageStore;
    let now = start;
    beforeEach(async () => {
      now = start;
      harness = await open({ now: () => now });
      store = harness.store;
    });
    afterEach(() => harness[Symbol.asyncDispose]());

    const ready = async (after = beginning, limit = 100, maxBytes = anyBytes) =>
      (await store.ready(channel, 'lab', after, limit, maxBytes)).map(({ seq }) => seq);
    const partOf = async (seq: number) => {
      const { messages } = await store.find({ channel, limit: 1000 });
      return messages.find((message) => message.seq === seq)?.parts[0];
    };
    const counts = async () => (await store.counts())[0]?.destinations.find(({ destination }) => destination === 'lab');

    it('gives parts with everything a resend needs, after it was opened again', async () => {
      const id = newId();
      const replayOf = newId();
      const seq = await appendOne(store, { id, replayOf, meta: { peer: 'p' }, receivedAt: start - 50 });
      const part = queuedPart('lab', 'ready', ['a', 'b'], { bytes: bytesOf('v1 bytes') });
      await store.settle(channel, [settlement(seq, [sentPart('ris'), part], { meta: { type: 't' } })]);
      store = await harness.reopen();
      expect(await store.ready(channel, 'lab', beginning, 10, anyBytes)).toEqual([
        {
          ...{ destination: 'lab', seq, n: 0, id, replayOf, version: 'v1', receivedAt: start - 50, attempts: 1 },
          meta: { peer: 'p', type: 't' },
          keys: ['a', 'b'],
          firstQueuedAt: start,
          bytes: bytesOf('v1 bytes'),
        },
      ]);
    });

    it('pages ready parts by seq and n, by count and by bytes', async () => {
      const first = await appendOne(store);
      const split = [0, 1, 2].map((n) => queuedPart('lab', 'ready', ['k'], { n, bytes: new Uint8Array(100) }));
      await store.settle(channel, [settlement(first, split)]);
      const second = await enqueue(store, 'ready');
      await enqueue(store, 'blocked');
      expect(await ready()).toEqual([first, first, first, second]);
      expect(await ready({ seq: first, n: 1 })).toEqual([first, second]);
      expect(await ready(beginning, 2)).toEqual([first, first]);
      expect(await ready(beginning, 10, 150)).toEqual([first, first]);
      expect(await ready(beginning, 10, 1)).toEqual([first]);
      expect(await store.ready(channel, 'ris', beginning, 10, anyBytes)).toEqual([]);
      expect(await store.ready('other', 'lab', beginning, 10, anyBytes)).toEqual([]);
    });

    it('gives waiting parts whose time has come, earliest first, and leaves them waiting', async () => {
      const late = await enqueue(store, 'waiting', ['a'], { retryAt: start + 30 });
      const soon = await enqueue(store, 'waiting', ['b'], { retryAt: start + 10 });
      const next = await enqueue(store, 'waiting', ['c'], { retryAt: start + 20 });
      const due = async (at: number, limit = 10) =>
        (await store.due(channel, 'lab', at, limit)).rows.map(({ seq, retryAt }) => [seq, retryAt]);
      expect(await due(start + 9)).toEqual([]);
      expect(await due(start + 20)).toEqual([
        [soon, start + 10],
        [next, start + 20],
      ]);
      expect(await due(start + 99, 1)).toEqual([[soon, start + 10]]);
      expect((await store.queueState(channel, 'lab')).waiting).toBe(3);
      expect(await ready()).toEqual([]);
      expect((await partOf(late))?.retryAt).toBe(start + 30);
    });

    it('says when the next of the waiting parts is due that it did not give', async () => {
      const next = async (at: number, limit = 10) => (await store.due(channel, 'lab', at, limit)).nextRetryAt;
      expect(await next(start)).toBeUndefined();
      for (const after of [10, 30, 20, 20]) await enqueue(store, 'waiting', ['a'], { retryAt: start + after });
      await enqueue(store, 'ready', ['b']);
      await enqueue(store, 'blocked', ['a']);
      expect(await next(start)).toBe(start + 10);
      expect(await next(start + 10)).toBe(start + 20);
      expect(await next(start + 25)).toBe(start + 30);
      expect(await next(start + 99, 2)).toBe(start + 20);
      expect(await next(start + 99)).toBeUndefined();
      expect((await store.due(channel, 'ris', start + 99, 10)).nextRetryAt).toBeUndefined();
    });

    describe('changes', () => {
      it('queued → sent: it leaves the queue, with time, attempts and reply', async () => {
        const seq = await enqueue(store, 'ready');
        const reply = bytesOf('MSA|AA');
        await store.update(channel, [
          { ...labPart(seq), from: 'queued', to: 'sent', sentAt: start + 9, attempts: 2, reply },
        ]);
        const part = await partOf(seq);
        expect(part).toMatchObject({ status: 'sent', attempts: 2, sentAt: start + 9 });
        expect(part?.error).toBeUndefined();
        expect(await ready()).toEqual([]);
        expect(await counts()).toMatchObject({ queued: 0, sent: 1, errored: 0 });
        const { messages } = await store.find({ limit: 1 });
        const content = await store.content(messages[0]!.id, analyst);
        expect(content?.contents).toEqual([{ destination: 'lab', n: 0, bytes: bytesOf('frozen'), reply }]);
      });

      it('queued → error: a dead letter that is open', async () => {
        const seq = await enqueue(store, 'ready');
        await store.update(channel, [toError(seq)]);
        expect(await partOf(seq)).toMatchObject({ status: 'error', error: refused, attempts: 3, keys: ['k'] });
        expect(await counts()).toMatchObject({ queued: 0, errored: 1, openErrors: 1 });
      });

      it('ready → waiting → ready → blocked, keeping what a change does not name', async () => {
        const seq = await enqueue(store, 'ready');
        const waiting = {
          ...labPart(seq),
          from: 'queued',
          to: 'waiting',
          error: refused,
          attempts: 5,
          retryAt: start + 7,
        } as const;
        await store.update(channel, [waiting]);
        expect(await partOf(seq)).toMatchObject({ queued: 'waiting', attempts: 5, retryAt: start + 7, error: refused });
        await store.update(channel, [{ ...labPart(seq), from: 'queued', to: 'ready' }]);
        const part = await partOf(seq);
        expect(part).toMatchObject({ queued: 'ready', attempts: 5, error: refused });
        expect(part?.retryAt).toBeUndefined();
        await store.update(channel, [{ ...labPart(seq), from: 'queued', to: 'ready', attempts: 0 }]);
        await store.update(channel, [{ ...labPart(seq), from: 'queued', to: 'blocked' }]);
        expect(await partOf(seq)).toMatchObject({ queued: 'blocked', attempts: 0 });
        expect(await counts()).toMatchObject({ queued: 1 });
      });

      it('rule 22: error → ready is a retry with the frozen bytes, and its time in the queue starts anew', async () => {
        const seq = await enqueue(store, 'ready');
        await store.update(channel, [toError(seq)]);
        now = start + 1000;
        await store.update(channel, [{ ...labPart(seq), from: 'error', to: 'ready', attempts: 0 }]);
        const [part] = await store.ready(channel, 'lab', beginning, 10, anyBytes);
        expect(part).toMatchObject({ seq, attempts: 0, keys: ['k'], firstQueuedAt: now });
        expect(textOf(part?.bytes)).toBe('frozen');
        expect(await counts()).toMatchObject({ queued: 1, errored: 1, openErrors: 0 });
        expect((await store.usage()).backlogBytes).toBe(13);
        await store.update(channel, [toSent(seq)]);
        expect((await store.usage()).backlogBytes).toBe(0);
      });

      it('error without frozen bytes cannot be queued', async () => {
        const seq = await appendOne(store);
        await store.settle(channel, [settlement(seq, [errorPart('lab')])]);
        await store.update(channel, [{ ...labPart(seq), from: 'error', to: 'ready' }]);
        expect(await partOf(seq)).toMatchObject({ status: 'error' });
      });

      it('rule 17: error → resolved closes it, with who, when and why', async () => {
        const seq = await enqueue(store, 'ready');
        await store.update(channel, [toError(seq)]);
        await store.update(channel, [{ ...labPart(seq), from: 'error', to: 'resolved', by: analyst }]);
        expect(await partOf(seq)).toMatchObject({
          status: 'error',
          error: refused,
          resolved: { at: start, ...analyst },
        });
        expect(await counts()).toMatchObject({ errored: 1, openErrors: 0 });
        expect((await store.find({ status: 'open-error', limit: 1 })).messages).toEqual([]);
        await store.update(channel, [{ ...labPart(seq), from: 'error', to: 'ready' }]);
        expect(await partOf(seq)).toMatchObject({ status: 'error' });
      });

      it('rule 22: acting twice acts once', async () => {
        const changes: readonly ((seq: number) => PartChange)[] = [
          (seq) => toSent(seq),
          toError,
          (seq) => ({ ...labPart(seq), from: 'queued', to: 'waiting', attempts: 2, retryAt: start }),
        ];
        for (const change of changes) {
          const seq = await enqueue(store, 'ready');
          await Promise.all([store.update(channel, [change(seq), change(seq)]), store.update(channel, [change(seq)])]);
        }
        expect(await counts()).toEqual({
          destination: 'lab',
          filtered: 0,
          sent: 1,
          errored: 1,
          openErrors: 1,
          queued: 1,
        });
      });

      it('leaves alone what is in another status, or is not there', async () => {
        const queued = await enqueue(store, 'ready');
        const sent = await enqueue(store, 'ready');
        await store.update(channel, [toSent(sent)]);
        await store.update(channel, [
          toSent(queued, 'error'),
          toError(sent),
          { ...labPart(queued), from: 'queued', to: 'resolved', by: analyst },
          { ...toSent(queued), n: 7 },
          { ...toSent(queued), destination: 'nowhere' },
          toSent(queued + 1000),
        ]);
        await store.update('other', [toSent(queued)]);
        expect(await partOf(queued)).toMatchObject({ status: 'queued', queued: 'ready' });
        expect(await partOf(sent)).toMatchObject({ status: 'sent' });
      });
    });

    it('answers in call order, whatever kind of call it is', async () => {
      const head = await enqueue(store, 'ready', ['a']);
      const order: string[] = [];
      const note = (name: string, answer: Promise<unknown>) => answer.then(() => void order.push(name));
      await Promise.all([
        note('unrouted', store.unrouted(channel, 0, 10, anyBytes)),
        note('append', store.append(channel, [newMessage()])),
        note('ready', store.ready(channel, 'lab', { seq: 0, n: 0 }, 10, anyBytes)),
        note('update', store.update(channel, [toSent(head)])),
        note('unblock', store.unblock(channel, 'lab', 'a', 10)),
        note('due', store.due(channel, 'lab', start, 10)),
        note('settle', store.settle(channel, [])),
      ]);
      expect(order).toEqual(['unrouted', 'append', 'ready', 'update', 'unblock', 'due', 'settle']);
    });
  });
}
