import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MessageStore } from '../store/message-store.ts';
import {
  analyst,
  anyBytes,
  appendOne,
  channel,
  errorPart,
  filteredPart,
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
  toSent,
  undecodable,
} from './store-fixture.ts';
import { storeDailySuite } from './store-suite-daily.ts';
import { storeHeldKeysSuite } from './store-suite-held-keys.ts';
import { storePruningSuite } from './store-suite-pruning.ts';
import { storeQueueSuite } from './store-suite-queue.ts';
import { storeReadingSuite } from './store-suite-reading.ts';
import { storeSettlingSuite } from './store-suite-settling.ts';
import { storeTriageSuite } from './store-suite-triage.ts';

export type { OpenStore, StoreHarness, StoreHarnessOptions } from './store-fixture.ts';

/** What every MessageStore does. `open` gives an empty store; each test opens its own. */
export function storeSuite(name: string, open: OpenStore): void {
  describe(`${name} as a message store`, () => {
    appendingSuite(open);
    storeSettlingSuite(open);
    storeQueueSuite(open);
    storeHeldKeysSuite(open);
    storeReadingSuite(open);
    storePruningSuite(open);
    storeDailySuite(open);
    storeTriageSuite(open);
  });
}

function appendingSuite(open: OpenStore): void {
  describe('appending and recovering', () => {
    let harness: StoreHarness;
    let store: MessageStore;
    beforeEach(async () => {
      harness = await open({ now: () => start });
      store = harness.store;
    });
    afterEach(() => harness[Symbol.asyncDispose]());

    it('rule 1: hands out seq in call order, whatever the order of ids', async () => {
      const ids = [newId(), newId(), newId()].reverse();
      const calls = ids.map((id) => store.append(channel, [newMessage({ id })]));
      const seqs = (await Promise.all(calls)).map(([one]) => seqOf(one));
      expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
      expect(new Set(seqs).size).toBe(3);
      const unrouted = await store.unrouted(channel, 0, 10, anyBytes);
      expect(unrouted.map(({ id }) => id)).toEqual(ids);
    });

    it('answers a batch message by message, and an empty one', async () => {
      const appended = await store.append(channel, [newMessage(), newMessage(), newMessage()]);
      const seqs = appended.map(seqOf);
      expect(seqs).toEqual([seqs[0], seqs[0]! + 1, seqs[0]! + 2]);
      expect(await store.append(channel, [])).toEqual([]);
    });

    it('keeps every field of a message until it is routed', async () => {
      const message = newMessage({
        raw: Uint8Array.of(0, 255, 13, 28),
        meta: { 'hl7.controlId': 'Ä1', peer: '10.0.0.7:5000', odd: 'a\x1fb' },
        key: 'bed-7',
        replayOf: newId(),
        only: ['lab', 'ris'],
        receivedAt: start + 123,
      });
      const seq = await appendOne(store, message);
      const { id, raw, meta, key, replayOf, only, receivedAt } = message;
      expect(await store.unrouted(channel, 0, 10, anyBytes)).toEqual([
        { id, seq, raw, meta, key, replayOf, only, receivedAt, recoveries: 0 },
      ]);
    });

    it('gives back what has no settlement after it was opened again, and goes on with higher seqs', async () => {
      const [first, second, third] = [await appendOne(store), await appendOne(store), await appendOne(store)];
      await store.settle(channel, [settlement(second, [sentPart('lab')])]);
      store = await harness.reopen();
      const unrouted = await store.unrouted(channel, 0, 10, anyBytes);
      expect(unrouted.map(({ seq }) => seq)).toEqual([first, third]);
      expect(textOf(unrouted[0]?.raw)).toBe('MSH|raw');
      expect(await appendOne(store)).toBeGreaterThan(third);
    });

    it('pages through unrouted messages by count and by bytes', async () => {
      const raw = new Uint8Array(1000);
      const appended = await store.append(
        channel,
        [1, 2, 3, 4].map(() => newMessage({ raw })),
      );
      const seqs = appended.map(seqOf);
      const page = async (after: number, limit: number, maxBytes: number) =>
        (await store.unrouted(channel, after, limit, maxBytes)).map(({ seq }) => seq);
      expect(await page(0, 2, anyBytes)).toEqual(seqs.slice(0, 2));
      expect(await page(seqs[1]!, 2, anyBytes)).toEqual(seqs.slice(2));
      expect(await page(0, 10, 1500)).toEqual(seqs.slice(0, 2));
      expect(await page(0, 10, 1)).toEqual(seqs.slice(0, 1));
      expect(await store.unrouted('other', 0, 10, anyBytes)).toEqual([]);
    });

    it('rule 21: counts recoveries of a message until its first pass has ended', async () => {
      const seq = await appendOne(store);
      store = await harness.reopen();
      expect(await store.countRecoveries(channel, 10)).toEqual([{ seq, recoveries: 1 }]);
      store = await harness.reopen();
      expect(await store.countRecoveries(channel, 10)).toEqual([{ seq, recoveries: 2 }]);
      expect((await store.unrouted(channel, 0, 1, anyBytes))[0]?.recoveries).toBe(2);
      await store.settle(channel, [settlement(seq, [sentPart('lab')])]);
      store = await harness.reopen();
      expect(await store.countRecoveries(channel, 10)).toEqual([]);
    });

    it('rule 21: counts recoveries of the lowest messages from before this opening only, each once', async () => {
      const seqs = [await appendOne(store), await appendOne(store), await appendOne(store)];
      await appendOne(store, {}, 'oru');
      await appendOne(store, { fault: undecodable });
      expect(await store.countRecoveries(channel, 10)).toEqual([]);
      store = await harness.reopen();
      const later = await appendOne(store);
      const once = seqs.map((seq) => ({ seq, recoveries: 1 }));
      expect(await store.countRecoveries(channel, 2)).toEqual(once.slice(0, 2));
      expect(await store.countRecoveries(channel, 2)).toEqual(once.slice(0, 2));
      expect(await store.countRecoveries(channel, 10)).toEqual(once);
      expect((await store.unrouted(channel, 0, 10, anyBytes)).map(({ seq, recoveries }) => [seq, recoveries])).toEqual([
        ...seqs.map((seq) => [seq, 1]),
        [later, 0],
      ]);
      store = await harness.reopen();
      expect(await store.countRecoveries(channel, 1)).toEqual([{ seq: seqs[0], recoveries: 2 }]);
      expect(await store.countRecoveries(channel, 10)).toEqual([
        ...seqs.map((seq) => ({ seq, recoveries: 2 })),
        { seq: later, recoveries: 1 },
      ]);
      expect(await store.countRecoveries('nowhere', 10)).toEqual([]);
    });

    it('counts its openings', async () => {
      const { epoch } = store;
      store = await harness.reopen();
      expect(store.epoch).toBe(epoch + 1);
    });

    it('keeps a fault as an open error that is not routed', async () => {
      const id = newId();
      await appendOne(store, { id, fault: undecodable });
      expect(await store.unrouted(channel, 0, 10, anyBytes)).toEqual([]);
      const { messages } = await store.find({ status: 'open-error', limit: 10 });
      expect(messages).toMatchObject([{ id, status: 'error', error: undecodable, parts: [] }]);
      expect(textOf((await store.content(id, analyst))?.raw)).toBe('MSH|raw');
    });

    it('keeps small state of the hub', async () => {
      expect(await store.state('desired/adt')).toBeUndefined();
      await Promise.all([store.setState('desired/adt', 'stopped'), store.setState('desired/adt', 'running')]);
      store = await harness.reopen();
      expect(await store.state('desired/adt')).toBe('running');
    });

    it('rejects calls after it was closed', async () => {
      await store[Symbol.asyncDispose]();
      await expect(store.append(channel, [newMessage()])).rejects.toMatchObject({ code: 'store-failed' });
      await expect(store.counts()).rejects.toMatchObject({ code: 'store-failed' });
    });

    it('answers what was called before it was closed', async () => {
      const calls = [store.append(channel, [newMessage()]), store.append(channel, [newMessage()])];
      await store[Symbol.asyncDispose]();
      expect((await Promise.all(calls)).length).toBe(2);
    });

    describe('rule 14: duplicates', () => {
      const dedupe = { key: 'EHR|HOSP|42', contentHash: 'aa' };

      it('answers the same key and content with the message that has it, and stores nothing', async () => {
        const id = newId();
        const seq = await appendOne(store, { id, dedupe });
        const [again] = await store.append(channel, [newMessage({ dedupe })]);
        expect(again).toEqual({ duplicateOf: { id, seq, status: 'received' } });
        expect((await store.find({ limit: 10 })).messages.length).toBe(1);
        expect(await store.counts()).toMatchObject([{ received: 1, duplicates: 1, reusedKeys: 0 }]);
      });

      it('takes the same key with other content for a new message, and counts it', async () => {
        await appendOne(store, { dedupe });
        await appendOne(store, { dedupe: { ...dedupe, contentHash: 'bb' } });
        expect(await store.counts()).toMatchObject([{ received: 2, duplicates: 0, reusedKeys: 1 }]);
      });

      it('finds a duplicate within one batch, and after it was opened again', async () => {
        const first = newMessage({ dedupe });
        const [one, two, three] = await store.append(channel, [first, newMessage({ dedupe }), newMessage()]);
        expect(two).toMatchObject({ duplicateOf: { id: first.id } });
        expect(seqOf(three)).toBeGreaterThan(seqOf(one));
        store = await harness.reopen();
        const [again] = await store.append(channel, [newMessage({ dedupe })]);
        expect(again).toMatchObject({ duplicateOf: { id: first.id } });
      });

      it('knows keys per channel', async () => {
        await appendOne(store, { dedupe });
        expect(await appendOne(store, { dedupe }, 'oru')).toBeGreaterThan(0);
      });

      it('says how the message stands that is repeated', async () => {
        const standing = async (parts: Parameters<typeof settlement>[1]) => {
          const own = { key: newId(), contentHash: 'aa' };
          const seq = await appendOne(store, { dedupe: own });
          await store.settle(channel, [settlement(seq, parts)]);
          const [again] = await store.append(channel, [newMessage({ dedupe: own })]);
          return again && 'duplicateOf' in again ? again.duplicateOf.status : undefined;
        };
        expect(await standing([filteredPart('lab'), sentPart('ris')])).toBe('sent');
        expect(await standing([filteredPart('lab')])).toBe('filtered');
        expect(await standing([sentPart('lab'), queuedPart('ris', 'ready')])).toBe('queued');
        expect(await standing([errorPart('lab'), queuedPart('ris', 'ready')])).toBe('error');
      });
    });

    it('stores a value of 20 MB and gives it back byte for byte', async () => {
      const raw = new Uint8Array(20 * 1024 * 1024).map((_, index) => index % 251);
      const id = newId();
      await appendOne(store, { id, raw, large: [[1000, 15_000_000]] });
      const [unrouted] = await store.unrouted(channel, 0, 1, anyBytes);
      expect(Buffer.compare(unrouted!.raw, raw)).toBe(0);
      expect(Buffer.compare((await store.content(id, analyst))!.raw!, raw)).toBe(0);
    });

    it('puts ranges kept beside the row back, whatever they are', async () => {
      const raw = Uint8Array.from({ length: 300_000 }, (_, index) => index % 253);
      const large = [
        [200_000, 300_000],
        [0, 70_000],
        [60_000, 140_000],
        [250_000, 400_000],
        [150_000, 150_010],
      ] as const;
      await appendOne(store, { raw, large });
      const [unrouted] = await store.unrouted(channel, 0, 1, anyBytes);
      expect(Buffer.compare(unrouted!.raw, raw)).toBe(0);
    });
  });

  describe('a backlog quota', () => {
    it('rule 26: refuses appends at the quota, still takes settlements, and appends again below it', async () => {
      await using harness = await open({ now: () => start, maxBacklogBytes: 2500 });
      const { store } = harness;
      const raw = new Uint8Array(1000);
      const first = await appendOne(store, { raw });
      const second = await appendOne(store, { raw });
      await expect(store.append(channel, [newMessage({ raw })])).rejects.toMatchObject({
        code: 'store-full',
        kind: 'transient',
      });
      // 500 bytes are left, and not for what came last.
      expect(await store.usage()).toMatchObject({ backlogBytes: 2000, full: true });
      await store.settle(channel, [
        settlement(first, [queuedPart('lab', 'ready', ['k'], { bytes: new Uint8Array(400) })]),
      ]);
      expect((await store.usage()).backlogBytes).toBe(2400);
      await store.settle(channel, [settlement(second, [sentPart('lab')])]);
      expect(await store.usage()).toMatchObject({ backlogBytes: 1400 });
      expect((await store.usage()).full).toBeUndefined();
      expect(await appendOne(store, { raw })).toBeGreaterThan(second);
      await store.update(channel, [toSent(first)]);
      expect((await store.usage()).backlogBytes).toBe(1000);
    });

    it('is not full for a message that is let in, whatever was refused before it', async () => {
      await using harness = await open({ now: () => start, maxBacklogBytes: 1000 });
      const { store } = harness;
      await appendOne(store, { raw: new Uint8Array(600) });
      await expect(store.append(channel, [newMessage({ raw: new Uint8Array(600) })])).rejects.toMatchObject({
        code: 'store-full',
      });
      expect((await store.usage()).full).toBe(true);
      await appendOne(store, { raw: new Uint8Array(100) });
      expect((await store.usage()).full).toBeUndefined();
      await appendOne(store, { raw: new Uint8Array(300) });
      expect((await store.usage()).full).toBe(true);
    });
  });
}
