import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { auditBreak } from '../store/audit-chain.ts';
import type { MessageQuery, MessageStore } from '../store/message-store.ts';
import {
  analyst,
  appendOne,
  channel,
  enqueue,
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
  toError,
  toSent,
  undecodable,
} from './store-fixture.ts';

/** Finding messages, reading content, counts and the audit trail. */
export function storeReadingSuite(open: OpenStore): void {
  describe('reading', () => {
    let harness: StoreHarness;
    let store: MessageStore;
    beforeEach(async () => {
      harness = await open({ now: () => start + 77 });
      store = harness.store;
    });
    afterEach(() => harness[Symbol.asyncDispose]());

    const found = async (query: Omit<MessageQuery, 'limit'>) =>
      (await store.find({ limit: 100, ...query })).messages.map(({ seq }) => seq);

    describe('finding', () => {
      const ids = {
        received: newId(),
        sent: newId(),
        queued: newId(),
        error: newId(),
        filtered: newId(),
        fault: newId(),
      };
      let seqs: Record<keyof typeof ids, number>;
      beforeEach(async () => {
        const names = Object.keys(ids) as (keyof typeof ids)[];
        const appended = await store.append(
          channel,
          names.map((name, index) =>
            newMessage({
              id: ids[name],
              receivedAt: start + index,
              meta: { name, 'hl7.controlId': 'Ä' },
              ...(name === 'fault' ? { fault: undecodable } : {}),
              ...(name === 'error' ? { replayOf: ids.sent } : {}),
            }),
          ),
        );
        seqs = Object.fromEntries(names.map((name, index) => [name, seqOf(appended[index])])) as typeof seqs;
        await store.settle(channel, [
          settlement(seqs.sent, [sentPart('lab'), filteredPart('ris')], { meta: { patient: '7' } }),
          settlement(seqs.queued, [sentPart('lab'), queuedPart('ris', 'ready')]),
          settlement(seqs.error, [errorPart('lab'), sentPart('ris')]),
          settlement(seqs.filtered, [filteredPart('lab')]),
        ]);
      });

      it('by status: of the message, and open errors', async () => {
        expect(await found({ status: 'received' })).toEqual([seqs.received]);
        expect(await found({ status: 'sent' })).toEqual([seqs.sent]);
        expect(await found({ status: 'queued' })).toEqual([seqs.queued]);
        expect(await found({ status: 'error' })).toEqual([seqs.fault, seqs.error]);
        expect(await found({ status: 'filtered' })).toEqual([seqs.filtered]);
        expect(await found({ status: 'open-error' })).toEqual([seqs.fault, seqs.error]);
      });

      it('by destination, and by how that one fared', async () => {
        expect(await found({ destination: 'ris' })).toEqual([seqs.error, seqs.queued, seqs.sent]);
        expect(await found({ destination: 'lab', status: 'sent' })).toEqual([seqs.queued, seqs.sent]);
        expect(await found({ destination: 'ris', status: 'queued' })).toEqual([seqs.queued]);
        expect(await found({ destination: 'lab', status: 'open-error' })).toEqual([seqs.error]);
        expect(await found({ destination: 'lab', status: 'filtered' })).toEqual([seqs.filtered]);
      });

      it('by id, by what it is a replay of, by meta and by time', async () => {
        expect(await found({ id: ids.queued })).toEqual([seqs.queued]);
        expect(await found({ id: newId() })).toEqual([]);
        expect(await found({ id: 'not-an-id' })).toEqual([]);
        expect(await found({ replayOf: ids.sent })).toEqual([seqs.error]);
        expect(await found({ meta: { name: 'queued', 'hl7.controlId': 'Ä' } })).toEqual([seqs.queued]);
        expect(await found({ meta: { patient: '7' } })).toEqual([seqs.sent]);
        expect(await found({ meta: { name: 'queued', absent: '' } })).toEqual([]);
        expect(await found({ from: start + 1, to: start + 3 })).toEqual([seqs.queued, seqs.sent]);
        expect(await found({ from: start + 1, to: start + 3, status: 'sent' })).toEqual([seqs.sent]);
      });

      it('by channel, newest first or oldest first', async () => {
        const other = await appendOne(store, {}, 'oru');
        const all = Object.values(seqs);
        expect(await found({ ascending: true })).toEqual([...all, other]);
        expect(await found({})).toEqual([...all, other].reverse());
        expect(await found({ channel: 'oru' })).toEqual([other]);
        expect(await found({ channel: 'nowhere' })).toEqual([]);
        expect(await found({ channel: 'oru', id: ids.sent })).toEqual([]);
      });

      it('page by page, with nothing twice and nothing left out', async () => {
        const others = [await appendOne(store, {}, 'oru'), await appendOne(store, {}, 'oru')];
        const all = [...Object.values(seqs), ...others];
        for (const ascending of [true, false]) {
          const walked: number[] = [];
          let cursor: string | undefined;
          do {
            const page = await store.find({ limit: 3, ascending, ...(cursor === undefined ? {} : { cursor }) });
            walked.push(...page.messages.map(({ seq }) => seq));
            cursor = page.cursor;
            if (!ascending) await appendOne(store);
          } while (cursor !== undefined);
          expect(walked).toEqual(ascending ? all : all.toReversed());
        }
      });
    });

    it('rule 33: a read of content is on the audit trail, with actor, reason and ticket', async () => {
      const id = newId();
      await appendOne(store, { id });
      expect(textOf((await store.content(id, analyst))?.raw)).toBe('MSH|raw');
      expect(await store.auditTrail({ limit: 10 })).toMatchObject([
        { n: 1, at: start + 77, action: 'read content', subject: id, ...analyst },
      ]);
      expect(await store.content(newId(), { actor: 'b', reason: 'r' })).toBeUndefined();
      expect((await store.auditTrail({ limit: 10 })).length).toBe(2);
    });

    it('chains the audit trail, so that a change of it shows', async () => {
      for (let index = 0; index < 5; index++) {
        await store.audit({ ...analyst, at: start + index, action: 'replay', subject: `m${index}` });
      }
      store = await harness.reopen();
      await store.audit({ actor: 'x', reason: 'y', at: start, action: 'stop', subject: channel });
      const trail = (await store.auditTrail({ limit: 100 })).toReversed();
      expect(trail.map(({ n }) => n)).toEqual([1, 2, 3, 4, 5, 6]);
      expect(auditBreak(trail)).toBeUndefined();
      expect(auditBreak(trail.with(2, { ...trail[2]!, actor: 'someone else' }))).toBe(3);
      expect(auditBreak(trail.toSpliced(2, 1))).toBe(4);
      expect(auditBreak(trail.slice(1))).toBe(2);
      const page = await store.auditTrail({ limit: 2, before: 5 });
      expect(page.map(({ n }) => n)).toEqual([4, 3]);
    });

    it('counts what happened, by channel and destination, across openings', async () => {
      const seqs = [await appendOne(store), await appendOne(store), await appendOne(store)] as const;
      await appendOne(store, { fault: undecodable });
      await store.settle(channel, [
        settlement(seqs[0], [sentPart('lab'), filteredPart('ris')]),
        settlement(seqs[1], [{ ...sentPart('lab'), attempts: 3 }, errorPart('ris')]),
      ]);
      await store.settle(channel, [settlement(await appendOne(store), [])]);
      const resent = await enqueue(store, 'ready');
      const dead = await enqueue(store, 'ready');
      await store.update(channel, [toSent(resent), toError(dead)]);
      await enqueue(store, 'ready');
      store = await harness.reopen();
      expect(await store.counts()).toEqual([
        {
          ...{
            channel,
            received: 8,
            duplicates: 0,
            reusedKeys: 0,
            filtered: 1,
            errored: 1,
            openErrors: 1,
            unrouted: 1,
          },
          destinations: [
            { destination: 'lab', filtered: 0, sent: 3, errored: 1, openErrors: 1, queued: 1 },
            { destination: 'ris', filtered: 1, sent: 0, errored: 1, openErrors: 1, queued: 0 },
          ],
        },
      ]);
    });

    it('sees what was committed before it was called', async () => {
      for (let index = 0; index < 50; index++) {
        const id = newId();
        await appendOne(store, { id });
        expect(await found({ id })).toHaveLength(1);
      }
    });
  });
}
