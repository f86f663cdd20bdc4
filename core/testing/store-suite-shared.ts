import { describe, expect, it } from 'vitest';
import type { Fence } from '../store/leases.ts';
import type { MessageStore } from '../store/message-store.ts';
import type { SharedPage } from '../store/shared-store.ts';
import type { SharedPlace } from './hubs-fixture.ts';
import {
  anyBytes,
  appendOne,
  bytesOf,
  channel,
  errorPart,
  filteredPart,
  labPart,
  newMessage,
  queuedPart,
  refused,
  sentPart,
  seqOf,
  settlement,
  textOf,
  toSent,
  undecodable,
} from './store-fixture.ts';

const long = 60_000;

/** What a MessageStore does that several hubs have open. */
export function sharedStoreSuite(name: string, openPlace: () => Promise<SharedPlace>): void {
  describe(`${name} as a store of several hubs`, () => {
    const opened = async (run: (one: MessageStore, other: MessageStore) => Promise<void>) => {
      await using place = await openPlace();
      await using one = await place.open('one');
      await using other = await place.open('other');
      await run(one, other);
    };
    const leaseOf = async (store: MessageStore, of = `${channel}/0`, ttlMs = long): Promise<Fence> => {
      const taken = await store.shared!.leases.take(of, ttlMs, 0);
      return { lease: of, epoch: taken!.epoch };
    };

    const read = (store: MessageStore, page: Partial<SharedPage> = {}) =>
      store.shared!.unrouted(channel, { of: 'all', known: () => [], limit: 10, maxBytes: anyBytes, ...page });

    it('gives a lease to one of those that ask for it at once, and to another after it was released', () =>
      opened(async (one, other) => {
        const [first, second] = [one.shared!.leases, other.shared!.leases];
        const asked = await Promise.all([first.take('x', long, 0), second.take('x', long, 0)]);
        expect(asked.filter((each) => each !== undefined)).toEqual([
          { epoch: expect.any(Number), clean: true, ended: false },
        ]);
        const [holder, next] = asked[0] ? [first, second] : [second, first];
        const { epoch } = (asked[0] ?? asked[1])!;
        expect(await holder.take('x', long, long)).toBeUndefined();
        await next.release({ lease: 'x', epoch });
        expect(await next.take('x', long, 0)).toBeUndefined();
        await holder.release({ lease: 'x', epoch });
        const taken = await next.take('x', long, 0);
        expect(taken?.clean).toBe(true);
        expect(taken!.epoch).toBeGreaterThan(epoch);
      }));

    it('prolongs what a hub has, names the hubs that live, and says how long each lease lasts', () =>
      opened(async (one, other) => {
        const fence = await leaseOf(one, 'x', 100);
        await other.shared!.leases.renew([], long);
        const renewed = await one.shared!.leases.renew([fence], long);
        expect(renewed.hubs).toEqual(['one', 'other']);
        expect(renewed.leases).toEqual([
          { name: 'x', hub: 'one', epoch: fence.epoch, mine: true, endedMs: expect.any(Number) },
        ]);
        expect(renewed.leases[0]!.endedMs).toBeLessThan(-long / 2);
        const seen = await other.shared!.leases.renew([fence], 1);
        expect(seen.leases).toMatchObject([{ name: 'x', hub: 'one', mine: false }]);
        expect(seen.leases[0]!.endedMs).toBeLessThan(-long / 2);
        await one.shared!.leases.leave();
        await pause(20);
        const left = await other.shared!.leases.renew([], long);
        expect(left.hubs).toEqual(['other']);
        expect(left.leases).toMatchObject([{ name: 'x', hub: undefined, mine: false }]);
      }));

    it('a lease that ended is taken after the grace, with a higher epoch, and its old holder prolongs nothing', () =>
      opened(async (one, other) => {
        const fence = await leaseOf(one, 'x', 50);
        expect(await other.shared!.leases.take('x', long, long)).toBeUndefined();
        await pause(120);
        expect(await other.shared!.leases.take('x', long, long)).toBeUndefined();
        const taken = await other.shared!.leases.take('x', long, 50);
        expect(taken).toMatchObject({ clean: false, ended: false });
        expect(taken!.epoch).toBeGreaterThan(fence.epoch);
        const renewed = await one.shared!.leases.renew([fence], long);
        expect(renewed.leases).toMatchObject([{ hub: 'other', mine: false, epoch: taken!.epoch }]);
      }));

    it('tells of a lease that ended whether its holder did, too: its hub has been started anew', async () => {
      await using place = await openPlace();
      await using other = await place.open('other');
      const before = await place.open('one');
      for (const name of ['x', 'y', 'z']) await before.shared!.leases.take(name, 1, 0);
      await before[Symbol.asyncDispose]();
      await pause(20);
      // It may be cut off only.
      expect(await other.shared!.leases.take('x', long, 0)).toMatchObject({ clean: false, ended: false });
      await using one = await place.open('one');
      expect(await one.shared!.leases.take('y', long, 0)).toMatchObject({ clean: false, ended: true });
      await one.shared!.leases.renew([], long);
      expect(await other.shared!.leases.take('z', 1, 0)).toMatchObject({ clean: false, ended: true });
      await pause(20);
      // Its own, which it lost without an end.
      expect(await other.shared!.leases.take('z', long, 0)).toMatchObject({ clean: false, ended: false });
    });

    it('refuses what is written under a lease that another hub has, and nothing of it is there', () =>
      opened(async (one, other) => {
        const seq = await appendOne(one);
        const ours = await leaseOf(one, undefined, 1);
        await one.settle(channel, [settlement(seq, [queuedPart('lab', 'ready')])], false, ours);
        const later = await appendOne(one);
        await pause(20);
        await leaseOf(other);
        const lost = { code: 'lease-lost', kind: 'transient' };
        const good = one.audit({ actor: 'a', reason: 'r', action: 'x', subject: 'y', at: 1 });
        const refusals = [
          one.settle(channel, [settlement(later, [sentPart('lab')])], false, ours),
          one.update(channel, [toSent(seq)], ours),
          one.unblock(channel, 'lab', 'k', 1, ours),
          one.setState('kept', 'no', ours),
          one.shared!.countRecoveries(channel, later, 1, ours),
        ];
        for (const refusal of refusals) await expect(refusal).rejects.toMatchObject(lost);
        // What was called beside it goes through.
        await good;
        const stored = appendOne(one);
        await expect(one.settle(channel, [], false, ours)).rejects.toMatchObject(lost);
        await stored;
        expect((await one.ready(channel, 'lab', { seq: 0, n: 0 }, 10, anyBytes)).map((each) => each.seq)).toEqual([
          seq,
        ]);
        expect(await other.state('kept')).toBeUndefined();
        const unrouted = await other.unrouted(channel, 0, 10, anyBytes);
        expect(unrouted.map((each) => [each.seq, each.recoveries])).toEqual([
          [later, 0],
          [await stored, 0],
        ]);
        // People may, from any hub.
        await one.update(channel, [{ ...labPart(seq), from: 'queued', to: 'error', error: refused, attempts: 1 }]);
        expect(await other.ready(channel, 'lab', { seq: 0, n: 0 }, 10, anyBytes)).toEqual([]);
      }));

    it('says where messages of other hubs are not routed, with what is stored too', () =>
      opened(async (one, other) => {
        await leaseOf(one);
        expect(await one.append(channel, [newMessage()])).toEqual([{ seq: expect.any(Number) }]);
        expect(await one.shared!.foreign([channel, 'x'])).toEqual(new Set());
        const seq = await appendOne(other);
        expect(await one.shared!.foreign([channel, 'x'])).toEqual(new Set([channel]));
        expect(await one.append(channel, [newMessage()])).toMatchObject([{ foreign: true }]);
        await leaseOf(other, 'x/0');
        expect((await other.append('x', [newMessage()]))[0]).not.toHaveProperty('foreign');
        await one.settle(channel, [settlement(seq, [filteredPart('lab')])]);
        expect(await one.shared!.foreign([channel, 'x'])).toEqual(new Set(['x']));
        expect((await one.append(channel, [newMessage()]))[0]).not.toHaveProperty('foreign');
      }));

    it('reads what is not in memory, whoever stored it, in order of seq', () =>
      opened(async (one, other) => {
        const first = await appendOne(one, { raw: bytesOf('1') });
        const second = await appendOne(other, { raw: bytesOf('2'), key: 'bed', meta: { peer: 'x' } });
        const third = await appendOne(one, { raw: bytesOf('3') });
        expect(first < second && second < third).toBe(true);
        const all = await read(one);
        expect(all.map((each) => [each.seq, textOf(each.raw), each.own])).toEqual([
          [first, '1', true],
          [second, '2', false],
          [third, '3', true],
        ]);
        expect(all[1]).toMatchObject({ key: 'bed', meta: { peer: 'x' } });
        const rest = await read(one, { known: () => [first, third] });
        expect(rest.map((each) => each.seq)).toEqual([second]);
        expect(await read(one, { known: () => [first, second, third] })).toEqual([]);
        expect(await read(one, { known: () => [first], limit: 1 })).toHaveLength(1);
        expect(await read(one, { maxBytes: 1 })).toHaveLength(1);
        const foreign = await read(one, { of: 'foreign' });
        expect(foreign.map((each) => each.seq)).toEqual([second]);
        expect(await read(one, { of: 'foreign', known: () => [second] })).toEqual([]);
        expect((await read(other, { of: 'foreign' })).map((each) => each.seq)).toEqual([first, third]);
      }));

    it('has told of what was stored before a page when it answers, and of nothing that was stored after it', () =>
      opened(async (one, other) => {
        const told: (number | string)[] = [];
        const appended: Promise<unknown>[] = [];
        const append = () =>
          appended.push(one.append(channel, [newMessage()]).then(([each]) => told.push(seqOf(each!))));
        for (let turn = 0; turn < 20; turn++) {
          append();
          await appendOne(other);
          const known: number[] = [];
          const page = read(one, { limit: 1_000, known: () => known });
          append();
          const pause = new Promise((resolve) => setTimeout(resolve, turn % 5));
          const answer = page.then((rows) => {
            const last = Math.max(...rows.filter(({ own }) => own).map(({ seq }) => seq));
            const heard = told.filter((each) => typeof each === 'number');
            expect(Math.max(...heard)).toBe(last);
            told.push('page');
          });
          await pause;
          append();
          await answer;
        }
        await Promise.all(appended);
      }));

    it('counts recoveries once per lease, of whatever may have been begun under it', () =>
      opened(async (one, other) => {
        const own = await appendOne(one);
        const foreign = await appendOne(other);
        const later = await appendOne(one);
        const fence = await leaseOf(one, undefined, 1);
        const once = [
          { seq: own, recoveries: 1 },
          { seq: foreign, recoveries: 1 },
        ];
        expect(await one.shared!.countRecoveries(channel, foreign, 10, fence)).toEqual(once);
        expect(await one.shared!.countRecoveries(channel, foreign, 10, fence)).toEqual(once);
        await pause(20);
        const next = await leaseOf(other);
        expect(await other.shared!.countRecoveries(channel, later, 1, next)).toEqual([{ seq: own, recoveries: 2 }]);
      }));

    it('tells how messages ended that another hub processed, by the destinations that count', () =>
      opened(async (one, other) => {
        const seqs: number[] = [];
        for (let n = 0; n < 6; n++) seqs.push(await appendOne(other));
        const [waiting, queued, sent, failed, filtered, whole] = seqs as [
          number,
          number,
          number,
          number,
          number,
          number,
        ];
        const replied = { ...sentPart('lab'), reply: bytesOf('AA') };
        await one.settle(channel, [
          settlement(queued, [replied, queuedPart('ris', 'ready')]),
          settlement(sent, [replied, filteredPart('ris')]),
          settlement(failed, [errorPart('lab', { reply: bytesOf('AE') }), sentPart('ris')]),
          settlement(filtered, []),
          settlement(whole, [], { error: undecodable }),
        ]);
        const ask = (question: object) => other.shared!.outcomes(channel, seqs, question);
        expect([...(await ask({}))].sort(([a], [b]) => a - b)).toEqual([
          [queued, { status: 'queued' }],
          [sent, { status: 'sent' }],
          [failed, { status: 'error', error: refused }],
          [filtered, { status: 'filtered' }],
          [whole, { status: 'error', error: undecodable }],
        ]);
        expect((await ask({})).has(waiting)).toBe(false);
        const lab = await ask({ replyFrom: 'lab' });
        expect([lab.get(queued)?.status, textOf(lab.get(queued)?.reply)]).toEqual(['sent', 'AA']);
        expect([lab.get(failed)?.status, textOf(lab.get(failed)?.reply)]).toEqual(['error', 'AE']);
        expect((await ask({ ackOn: ['ris'] })).get(failed)).toEqual({ status: 'sent' });
        await one.update(channel, [
          { ...labPart(queued), destination: 'ris', from: 'queued', to: 'sent', sentAt: 1, attempts: 2 },
        ]);
        expect((await ask({})).get(queued)).toEqual({ status: 'sent' });
      }));

    it('tells the other hubs what was announced, once, in order', () =>
      opened(async (one, other) => {
        const { upTo } = await other.shared!.notices(undefined);
        await one.shared!.announce(['x', 'y']);
        await other.shared!.announce(['own']);
        const told = await other.shared!.notices(upTo);
        expect(told.subjects).toEqual(['x', 'y']);
        expect((await other.shared!.notices(told.upTo)).subjects).toEqual([]);
        expect((await one.shared!.notices(upTo)).subjects).toEqual(['own']);
      }));
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
