import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LaneQuery } from '../store/lane.ts';
import type { MessageStore } from '../store/message-store.ts';
import type { OpenErrorQuery } from '../store/open-error.ts';
import {
  analyst,
  appendOne,
  bytesOf,
  channel,
  enqueue,
  errorPart,
  labPart,
  newId,
  type OpenStore,
  queuedPart,
  refused,
  type StoreHarness,
  settlement,
  start,
  toError,
  toSent,
  undecodable,
} from './store-fixture.ts';

/** What somebody asks who looks for what is stuck: open errors, what waits behind a key, and who changed what. */
export function storeTriageSuite(open: OpenStore): void {
  describe('what is stuck', () => {
    let harness: StoreHarness;
    let store: MessageStore;
    let now = start;
    beforeEach(async () => {
      now = start;
      harness = await open({ now: () => now });
      store = harness.store;
    });
    afterEach(() => harness[Symbol.asyncDispose]());

    describe('open errors', () => {
      const errors = async (query: Partial<OpenErrorQuery> = {}) =>
        (await store.openErrors({ limit: 100, ...query })).errors;

      it('are dead letters, faults, and messages that failed before they had parts', async () => {
        const ids = { dead: newId(), failed: newId(), fault: newId() };
        const dead = await appendOne(store, { id: ids.dead, receivedAt: start + 1 });
        const failed = await appendOne(store, { id: ids.failed });
        const fault = await appendOne(store, { id: ids.fault, fault: undecodable });
        await store.settle(channel, [
          settlement(dead, [errorPart('lab'), errorPart('ris')], { type: 'ADT^A01' }),
          settlement(failed, [], { error: undecodable }),
        ]);
        await enqueue(store, 'waiting', ['a'], { retryAt: start });
        const whole = { channel, destination: '', n: 0, attempts: 0, error: undecodable, holds: [] };
        const part = { channel, seq: dead, n: 0, type: 'ADT^A01', receivedAt: start + 1, attempts: 2, holds: [] };
        expect(await errors()).toEqual([
          { id: ids.failed, seq: failed, receivedAt: start, ...whole },
          { id: ids.fault, seq: fault, receivedAt: start, ...whole },
          { id: ids.dead, destination: 'lab', error: refused, ...part },
          { id: ids.dead, destination: 'ris', error: refused, ...part },
        ]);
        expect(await errors({ destination: 'ris' })).toHaveLength(1);
        expect(await errors({ channel: 'oru' })).toEqual([]);
        const by = analyst;
        await store.update(channel, [
          { ...labPart(dead), from: 'error', to: 'resolved', by },
          { destination: '', seq: fault, n: 0, from: 'error', to: 'resolved', by },
        ]);
        expect((await errors()).map(({ id }) => id)).toEqual([ids.failed, ids.dead]);
      });

      it('come page by page, with nothing twice and nothing left out', async () => {
        for (const of of [channel, 'oru']) {
          for (let index = 0; index < 4; index++) {
            const seq = await appendOne(store, {}, of);
            await store.settle(of, [settlement(seq, [errorPart('lab'), errorPart('ris')])]);
          }
          await appendOne(store, { fault: undecodable }, of);
        }
        const walked: string[] = [];
        let cursor: string | undefined;
        do {
          const page = await store.openErrors({ limit: 4, ...(cursor === undefined ? {} : { cursor }) });
          walked.push(...page.errors.map((each) => `${each.channel} ${each.destination} ${each.seq}`));
          cursor = page.cursor;
        } while (cursor !== undefined);
        expect(new Set(walked).size).toBe(walked.length);
        expect(walked.toSorted()).toEqual(
          (await errors()).map((each) => `${each.channel} ${each.destination} ${each.seq}`).toSorted(),
        );
        expect(walked).toHaveLength(18);
      });

      it('hold the keys whose first queued part is blocked behind them', async () => {
        const dead = await enqueue(store, 'ready', ['a', 'b', 'c']);
        await enqueue(store, 'blocked', ['a']);
        await enqueue(store, 'waiting', ['b'], { retryAt: start });
        await enqueue(store, 'blocked', ['b']);
        await store.update(channel, [toError(dead)]);
        const later = await enqueue(store, 'ready', ['a']);
        await store.update(channel, [toError(later)]);
        expect((await errors()).map(({ seq, holds }) => [seq, holds])).toEqual([
          [dead, ['a']],
          [later, []],
        ]);
      });
    });

    describe('lanes', () => {
      const lanes = (key: string, query: Partial<LaneQuery> = {}) =>
        store.lanes({ key, limit: 100, ...query }, analyst);

      it('tell what waits behind a key, in order, and how it stands', async () => {
        const id = newId();
        const seq = await appendOne(store, { id, receivedAt: start - 5 });
        await store.settle(channel, [
          settlement(seq, [queuedPart('lab', 'ready', ['4711^HOSP']), queuedPart('ris', 'ready', ['other'])], {
            type: 'ADT^A01',
          }),
        ]);
        await store.update(channel, [
          { ...labPart(seq), from: 'queued', to: 'waiting', attempts: 4, retryAt: start + 9, error: refused },
        ]);
        now = start + 3;
        const behind = await enqueue(store, 'blocked', ['4711^HOSP', 'b']);
        await enqueue(store, 'blocked', ['4711^HOSP']);
        const found = await lanes('4711^HOSP', { limit: 2 });
        expect(found).toEqual([
          {
            ...{ channel, destination: 'lab', key: '4711^HOSP', queued: 3, deadLetters: [] },
            parts: [
              {
                ...{ id, seq, n: 0, type: 'ADT^A01', receivedAt: start - 5, attempts: 4, keys: ['4711^HOSP'] },
                ...{ queued: 'waiting', queuedAt: start, retryAt: start + 9, error: refused },
              },
              {
                ...{ id: found[0]?.parts[1]?.id, seq: behind, n: 0, receivedAt: start, attempts: 1 },
                ...{ keys: ['4711^HOSP', 'b'], queued: 'blocked', queuedAt: start + 3 },
              },
            ],
          },
        ]);
        expect(await lanes('4711^HOSP', { channel: 'oru' })).toEqual([]);
        expect((await lanes('b')).map(({ parts }) => parts.map((part) => part.seq))).toEqual([[behind]]);
      });

      it('find a key by its identifier alone, and not by a part of it', async () => {
        for (const key of ['4711', '4711^HOSP', '4711^LAB&1.2.3&ISO', '47110^HOSP', '471', 'x4711^HOSP'])
          await enqueue(store, 'ready', [key]);
        const keys = async (key: string) => (await lanes(key)).map((lane) => lane.key).sort();
        expect(await keys('4711')).toEqual(['4711', '4711^HOSP', '4711^LAB&1.2.3&ISO']);
        expect(await keys('4711^LAB')).toEqual(['4711^LAB&1.2.3&ISO']);
        expect(await keys('4711^HO')).toEqual([]);
        expect(await keys('%')).toEqual([]);
      });

      it('have the open dead letters of the key, also where nothing is queued', async () => {
        const dead = await enqueue(store, 'ready', ['4711^HOSP', 'b"\\']);
        const closed = await enqueue(store, 'ready', ['4711^HOSP']);
        await store.update(channel, [toError(dead), toError(closed)]);
        await store.update(channel, [{ ...labPart(closed), from: 'error', to: 'resolved', by: analyst }]);
        for (const key of ['4711', '4711^HOSP', 'b"\\']) {
          const found = await lanes(key);
          expect(found).toMatchObject([
            { queued: 0, parts: [], deadLetters: [{ seq: dead, error: refused, attempts: 3 }] },
          ]);
          expect(found[0]?.deadLetters[0]).not.toHaveProperty('queuedAt');
        }
        await store.update(channel, [{ ...labPart(dead), from: 'error', to: 'ready' }]);
        expect(await lanes('4711')).toMatchObject([{ queued: 1, deadLetters: [] }]);
        await store.update(channel, [toSent(dead)]);
        expect(await lanes('4711')).toEqual([]);
      });

      it('tell of the lane of all messages, too', async () => {
        const first = await enqueue(store, 'waiting', [''], { retryAt: start });
        await enqueue(store, 'blocked', ['']);
        expect(await lanes('4711')).toMatchObject([{ key: '', queued: 2, parts: [{ seq: first }, {}] }]);
        expect((await lanes('')).map(({ key }) => key)).toEqual(['']);
      });

      it('rule 33: are on the audit trail with actor and reason, by a hash of the key', async () => {
        await lanes('PAT-1^HOSP');
        store = await harness.reopen();
        await lanes('PAT-1^HOSP', { channel });
        await lanes('PAT-2^HOSP');
        const trail = await store.auditTrail({ limit: 10 });
        expect(trail).toMatchObject([1, 2, 3].map(() => ({ action: 'read key', at: start, ...analyst })));
        expect(JSON.stringify(trail)).not.toMatch(/PAT-|HOSP/);
        const [other, again, first] = trail.map(({ subject }) => subject);
        expect(first).toMatch(/^find:[0-9a-f]{32}$/);
        expect(again).toBe(`${first} of ${channel}`);
        expect(other).not.toBe(first);
      });
    });

    it('the audit trail can leave out who read what', async () => {
      const id = newId();
      await appendOne(store, { id, raw: bytesOf('x') });
      await store.audit({ ...analyst, at: start, action: 'deploy', subject: channel });
      await store.content(id, analyst);
      await store.lanes({ key: 'a', limit: 1 }, analyst);
      await store.audit({ ...analyst, at: start, action: 'find', subject: 'find:1' });
      await store.audit({ ...analyst, at: start, action: 'ready made', subject: channel });
      const actions = async (changes: boolean) =>
        (await store.auditTrail({ limit: 4, changes })).map(({ action }) => action);
      expect(await actions(true)).toEqual(['ready made', 'deploy']);
      expect(await actions(false)).toEqual(['ready made', 'find', 'read key', 'read content']);
    });
  });
}
