import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MessageStore } from '../store/message-store.ts';
import {
  analyst,
  anyBytes,
  appendOne,
  channel,
  errorPart,
  newId,
  newMessage,
  type OpenStore,
  queuedPart,
  type StoreHarness,
  sentPart,
  seqOf,
  settlement,
  start,
  textOf,
  undecodable,
} from './store-fixture.ts';

const never = 0;
const day = 86_400_000;

/** Pruning (rule 8). */
export function storePruningSuite(open: OpenStore): void {
  describe('pruning', () => {
    let harness: StoreHarness;
    let store: MessageStore;
    beforeEach(async () => {
      harness = await open({ now: () => start });
      store = harness.store;
    });
    afterEach(() => harness[Symbol.asyncDispose]());

    const settled = async (count: number, receivedAt: number) => {
      const appended = await store.append(
        channel,
        Array.from({ length: count }, () => newMessage({ receivedAt })),
      );
      const seqs = appended.map(seqOf);
      await store.settle(
        channel,
        seqs.map((seq) => settlement(seq, [sentPart('lab')])),
      );
      return seqs;
    };
    const left = async () =>
      (await store.find({ channel, limit: 1000, ascending: true })).messages.map(({ seq }) => seq);

    it('deletes messages past their age, in steps, and nothing younger', async () => {
      await settled(25, start);
      const young = await settled(3, start + 10);
      const pruned = await store.prune(channel, { contentBefore: start + 5, messagesBefore: start + 5, step: 10 });
      expect(pruned).toEqual({ contents: 25, messages: 25 });
      expect(await left()).toEqual(young);
      expect(await store.prune(channel, { contentBefore: start + 5, messagesBefore: start + 5, step: 10 })).toEqual({
        contents: 0,
        messages: 0,
      });
    });

    it('deletes content and keeps the summary', async () => {
      const id = newId();
      const seq = await appendOne(store, { id });
      const bytes = new Uint8Array(10);
      await store.settle(channel, [settlement(seq, [{ ...sentPart('lab'), bytes }])]);
      expect(await store.prune(channel, { contentBefore: start + day, messagesBefore: never })).toEqual({
        contents: 1,
        messages: 0,
      });
      const content = await store.content(id, analyst);
      expect(content).toMatchObject({ id, status: 'sent', contents: [] });
      expect(content?.raw).toBeUndefined();
    });

    it('rule 8: never touches what is unsettled or an open error, and comes back to it when it is neither', async () => {
      const everything = { contentBefore: start + day, messagesBefore: start + day, step: 2 };
      const unrouted = await appendOne(store);
      const [queued, dead, failed, fault] = [newId(), newId(), newId(), newId()];
      const seqs = {
        queued: await appendOne(store, { id: queued }),
        dead: await appendOne(store, { id: dead }),
        failed: await appendOne(store, { id: failed }),
        fault: await appendOne(store, { id: fault, fault: undecodable }),
      };
      await store.settle(channel, [
        settlement(seqs.queued, [queuedPart('lab', 'ready')]),
        settlement(seqs.dead, [errorPart('lab')]),
        settlement(seqs.failed, [], { error: undecodable }),
      ]);
      await settled(7, start);
      expect(await store.prune(channel, { ...everything, messagesBefore: never })).toEqual({
        contents: 7,
        messages: 0,
      });
      expect(await store.prune(channel, everything)).toEqual({ contents: 0, messages: 7 });
      expect(await left()).toEqual([unrouted, ...Object.values(seqs)]);
      for (const id of [queued, dead, failed, fault])
        expect(textOf((await store.content(id, analyst))?.raw)).toBe('MSH|raw');

      await store.settle(channel, [settlement(unrouted, [sentPart('lab')])]);
      const by = analyst;
      await store.update(channel, [
        { destination: 'lab', seq: seqs.queued, n: 0, from: 'queued', to: 'sent', sentAt: start, attempts: 2 },
        { destination: 'lab', seq: seqs.dead, n: 0, from: 'error', to: 'resolved', by },
        { destination: '', seq: seqs.failed, n: 0, from: 'error', to: 'resolved', by },
        { destination: '', seq: seqs.fault, n: 0, from: 'error', to: 'resolved', by },
      ]);
      expect(await store.prune(channel, { ...everything, messagesBefore: never })).toEqual({
        contents: 5,
        messages: 0,
      });
      expect(await store.prune(channel, everything)).toEqual({ contents: 0, messages: 5 });
    });

    it('changes no count, and no seq is used again', async () => {
      const seqs = await settled(5, start);
      const before = await store.counts();
      await store.prune(channel, { contentBefore: start + day, messagesBefore: start + day });
      expect(await store.counts()).toEqual(before);
      store = await harness.reopen();
      expect(await store.counts()).toEqual(before);
      expect(await appendOne(store)).toBeGreaterThan(seqs.at(-1)!);
    });

    it('forgets the dedupe key of a message with it', async () => {
      const dedupe = { key: 'k', contentHash: 'h' };
      const seq = await appendOne(store, { dedupe });
      await store.settle(channel, [settlement(seq, [sentPart('lab')])]);
      await store.prune(channel, { contentBefore: start + day, messagesBefore: start + day });
      expect(await appendOne(store, { dedupe })).toBeGreaterThan(seq);
    });

    it('leaves other channels alone, and stops when it is told to', async () => {
      await appendOne(store, {}, 'oru');
      await settled(5, start);
      const everything = { contentBefore: start + day, messagesBefore: start + day };
      expect(await store.prune('oru', everything)).toEqual({ contents: 0, messages: 0 });
      expect(await store.prune(channel, everything, AbortSignal.abort())).toEqual({ contents: 0, messages: 0 });
      expect((await left()).length).toBe(5);
      expect((await store.unrouted('oru', 0, 10, anyBytes)).length).toBe(1);
    });
  });
}
