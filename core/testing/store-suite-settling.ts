import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MessageStore } from '../store/message-store.ts';
import {
  analyst,
  anyBytes,
  appendOne,
  bytesOf,
  channel,
  errorPart,
  filteredPart,
  newId,
  type OpenStore,
  queuedPart,
  type StoreHarness,
  sentPart,
  settlement,
  start,
  textOf,
  toSent,
  undecodable,
} from './store-fixture.ts';

/** The end of the first pass, and content levels (rule 8). */
export function storeSettlingSuite(open: OpenStore): void {
  describe('settling', () => {
    let harness: StoreHarness;
    let store: MessageStore;
    beforeEach(async () => {
      harness = await open({ now: () => start });
      store = harness.store;
    });
    afterEach(() => harness[Symbol.asyncDispose]());

    it('ends the first pass: the message is routed, with its parts, type, version and meta', async () => {
      const id = newId();
      const seq = await appendOne(store, { id, meta: { peer: 'p', both: 'arrival' } });
      const parts = [sentPart('lab'), filteredPart('ris'), { ...sentPart('lab', 1), sentAt: start + 6 }];
      const meta = { 'hl7.controlId': '42', both: 'routing' };
      await store.settle(channel, [settlement(seq, parts, { type: 'ADT^A01', meta })]);
      expect(await store.unrouted(channel, 0, 10, anyBytes)).toEqual([]);
      expect((await store.find({ id, limit: 1 })).messages).toEqual([
        {
          ...{ id, seq, channel, receivedAt: start, status: 'sent', type: 'ADT^A01', version: 'v1', size: 7 },
          meta: { peer: 'p', both: 'routing', 'hl7.controlId': '42' },
          parts: [
            { destination: 'lab', n: 0, status: 'sent', attempts: 1, sentAt: start + 5 },
            { destination: 'ris', n: 0, status: 'filtered', attempts: 0 },
            { destination: 'lab', n: 1, status: 'sent', attempts: 1, sentAt: start + 6 },
          ],
        },
      ]);
    });

    it('settles once, however often it is asked', async () => {
      const seq = await appendOne(store);
      await store.settle(channel, [settlement(seq, [sentPart('lab')]), settlement(seq, [queuedPart('ris', 'ready')])]);
      await store.settle(channel, [settlement(seq, [filteredPart('lab')])]);
      await store.settle('other', [settlement(seq, [filteredPart('lab')])]);
      await store.settle(channel, [settlement(seq + 100, [filteredPart('lab')])]);
      expect(await store.counts()).toMatchObject([
        { unrouted: 0, destinations: [{ destination: 'lab', sent: 1, filtered: 0 }] },
      ]);
    });

    it('counts a message without parts as filtered, once and for good', async () => {
      const seq = await appendOne(store);
      await store.settle(channel, [settlement(seq, []), settlement(seq, [])]);
      expect((await store.find({ status: 'filtered', limit: 10 })).messages).toMatchObject([{ seq, parts: [] }]);
      await store.settle(channel, [settlement(await appendOne(store), [], { error: undecodable })]);
      await store.settle(channel, [settlement(await appendOne(store), [filteredPart('lab')])]);
      await store.prune(channel, { contentBefore: start + 1, messagesBefore: start + 1 });
      expect((await store.find({ status: 'filtered', limit: 10 })).messages).toEqual([]);
      expect(await store.counts()).toMatchObject([
        { received: 3, filtered: 1, errored: 1, unrouted: 0, destinations: [{ destination: 'lab', filtered: 1 }] },
      ]);
    });

    it('keeps a message that failed before it had parts as an open error, until it is resolved', async () => {
      const seq = await appendOne(store);
      await store.settle(channel, [settlement(seq, [], { error: undecodable })]);
      expect(await store.counts()).toMatchObject([{ errored: 1, openErrors: 1 }]);
      const change = { destination: '', seq, n: 0, from: 'error', to: 'resolved', by: analyst } as const;
      await store.update(channel, [change, change]);
      await store.update(channel, [change]);
      expect(await store.counts()).toMatchObject([{ errored: 1, openErrors: 0 }]);
      expect((await store.find({ status: 'open-error', limit: 1 })).messages).toEqual([]);
      const { messages } = await store.find({ status: 'error', limit: 1 });
      expect(messages).toMatchObject([{ error: undecodable, resolved: { at: start, ...analyst } }]);
    });

    it('takes hundreds of outputs of one message', async () => {
      const id = newId();
      const seq = await appendOne(store, { id });
      await store.settle(channel, [
        settlement(
          seq,
          Array.from({ length: 700 }, (_, n) => sentPart('lab', n)),
        ),
      ]);
      expect((await store.find({ id, limit: 1 })).messages[0]?.parts.length).toBe(700);
      expect(await store.counts()).toMatchObject([{ destinations: [{ sent: 700 }] }]);
    });

    describe('rule 8: content levels', () => {
      const bytes = bytesOf('sent bytes');
      const reply = bytesOf('MSA|AA');
      const settled = async (content: 'full' | 'raw' | 'metadata', parts: Parameters<typeof settlement>[1]) => {
        const id = newId();
        const seq = await appendOne(store, { id });
        await store.settle(channel, [settlement(seq, parts, { content })]);
        return { seq, read: () => store.content(id, analyst) };
      };
      const sent = { ...sentPart('lab'), bytes, reply };

      it('full keeps raw, sent bytes and replies', async () => {
        const { read } = await settled('full', [filteredPart('ris'), sent]);
        const content = await read();
        expect(textOf(content?.raw)).toBe('MSH|raw');
        expect(content?.contents).toEqual([{ destination: 'lab', n: 0, bytes, reply }]);
      });

      it('raw keeps raw only', async () => {
        const content = await (await settled('raw', [sent])).read();
        expect(textOf(content?.raw)).toBe('MSH|raw');
        expect(content?.contents).toEqual([]);
      });

      it('metadata keeps neither', async () => {
        const content = await (await settled('metadata', [sent])).read();
        expect(content).toMatchObject({ status: 'sent', contents: [] });
        expect(content?.raw).toBeUndefined();
      });

      it('applies when the last queued part is done, not before', async () => {
        const { seq, read } = await settled('metadata', [sent, queuedPart('lab', 'ready', ['k'], { n: 1 })]);
        expect(textOf((await read())?.raw)).toBe('MSH|raw');
        await store.update(channel, [{ ...toSent(seq), n: 1, to: 'sent', sentAt: start, attempts: 2, reply }]);
        const content = await read();
        expect(content?.raw).toBeUndefined();
        expect(content?.contents).toEqual([]);
      });

      it('raw keeps the frozen bytes of an open error until it is closed', async () => {
        const { seq, read } = await settled('raw', [errorPart('lab', { bytes, reply })]);
        expect((await read())?.contents).toEqual([{ destination: 'lab', n: 0, bytes, reply }]);
        await store.update(channel, [{ destination: 'lab', seq, n: 0, from: 'error', to: 'resolved', by: analyst }]);
        expect((await read())?.contents).toEqual([]);
      });
    });
  });
}
