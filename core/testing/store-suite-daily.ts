import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DailyCounts, DailyQuery } from '../store/daily-counts.ts';
import { dayText, LocalDays } from '../store/local-days.ts';
import type { MessageStore, MessageSummary } from '../store/message-store.ts';
import { repeatableRandom } from './contexts.ts';
import {
  analyst,
  appendOne,
  channel,
  enqueue,
  errorPart,
  filteredPart,
  labPart,
  newMessage,
  type OpenStore,
  queuedPart,
  type StoreHarness,
  sentPart,
  settlement,
  start,
  toError,
  toSent,
  undecodable,
} from './store-fixture.ts';
import { randomTraffic } from './store-traffic.ts';

const dayMs = 86_400_000;
const timeZone = 'Europe/Vienna';
/** Of `start`, which is midnight in UTC. */
const today = '2026-01-01';
const anyDay = { from: '2025-01-01', to: '2027-01-01' };
const noCounts = { received: 0, filtered: 0, sent: 0, errored: 0, queued: 0 };

/** Counts of days: what they mean, that they balance, and that they outlive what they count. */
export function storeDailySuite(open: OpenStore): void {
  describe('counts of days', () => {
    let harness: StoreHarness;
    let store: MessageStore;
    beforeEach(async () => {
      harness = await open({ now: () => start, timeZone });
      store = harness.store;
    });
    afterEach(() => harness[Symbol.asyncDispose]());

    const counts = (by: DailyQuery['by'], query: Partial<DailyQuery> = {}) =>
      store.dailyCounts({ ...anyDay, by, ...query });
    const whole = async () => (await counts('channel'))[0];

    it('belong to a time zone', () => {
      expect(store.timeZone).toBe(timeZone);
    });

    it('count a message on the day of its receipt in that zone, and what becomes of it there, too', async () => {
      const late = Date.parse('2026-01-01T22:59:59Z');
      const seq = await appendOne(store, { receivedAt: late });
      await appendOne(store, { receivedAt: late + 1_000 });
      await store.settle(channel, [settlement(seq, [queuedPart('lab', 'waiting')])]);
      const days = async () => (await counts('channel')).map(({ day, queued, sent }) => [day, queued, sent]);
      expect(await days()).toEqual([
        [today, 1, 0],
        ['2026-01-02', 1, 0],
      ]);
      store = await harness.reopen();
      await store.update(channel, [{ ...toSent(seq), to: 'sent', sentAt: start + 3 * dayMs, attempts: 9 }]);
      expect(await days()).toEqual([
        [today, 0, 1],
        ['2026-01-02', 1, 0],
      ]);
      expect(await counts('channel', { from: '2026-01-02', to: '2026-01-02' })).toHaveLength(1);
      expect(await counts('channel', { from: '2026-01-03' })).toEqual([]);
    });

    it('tell how messages stand: open, filtered, sent, errored', async () => {
      const seqs = [];
      for (let index = 0; index < 6; index++) seqs.push(await appendOne(store));
      const [filtered, sent, mixed, failed, nothing, dead] = seqs as [number, number, number, number, number, number];
      await appendOne(store, { fault: undecodable });
      expect(await whole()).toEqual({
        day: today,
        channel,
        ...noCounts,
        received: 7,
        queued: 6,
        errored: 1,
        duplicates: 0,
      });
      await store.settle(channel, [
        settlement(filtered, [filteredPart('lab')]),
        settlement(sent, [sentPart('lab'), filteredPart('ris')]),
        settlement(mixed, [sentPart('lab'), errorPart('ris')]),
        settlement(failed, [], { error: undecodable }),
        settlement(nothing, []),
        settlement(dead, [errorPart('lab'), queuedPart('ris', 'ready')]),
      ]);
      expect(await whole()).toMatchObject({ received: 7, filtered: 2, sent: 1, errored: 3, queued: 1 });
      await store.update(channel, [{ ...toSent(dead), destination: 'ris' }]);
      expect(await whole()).toMatchObject({ received: 7, filtered: 2, sent: 1, errored: 4, queued: 0 });
      expect(await counts('destination')).toEqual([
        { day: today, channel, destination: 'lab', ...noCounts, received: 4, filtered: 1, sent: 2, errored: 1 },
        { day: today, channel, destination: 'ris', ...noCounts, received: 3, filtered: 1, sent: 1, errored: 1 },
      ]);
    });

    it('take a retry out of the errors, and leave there what somebody closed', async () => {
      const seq = await enqueue(store, 'ready');
      const other = await enqueue(store, 'ready');
      await store.update(channel, [toError(seq), toError(other)]);
      expect(await whole()).toMatchObject({ errored: 2, queued: 0 });
      await store.update(channel, [{ ...labPart(seq), from: 'error', to: 'ready' }]);
      await store.update(channel, [{ ...labPart(other), from: 'error', to: 'resolved', by: analyst }]);
      expect(await whole()).toMatchObject({ errored: 1, queued: 1 });
      await store.update(channel, [toSent(seq)]);
      expect(await whole()).toMatchObject({ received: 2, errored: 1, queued: 0, sent: 1 });
    });

    it('count a duplicate beside, on the day on which it came', async () => {
      const dedupe = { key: 'k', contentHash: 'h' };
      await appendOne(store, { dedupe });
      await store.append(channel, [newMessage({ dedupe, receivedAt: start + dayMs }), newMessage({ dedupe })]);
      expect(await counts('channel')).toMatchObject([
        { day: today, received: 1, duplicates: 1 },
        { day: '2026-01-02', received: 0, duplicates: 1 },
      ]);
      expect(await counts('type')).toMatchObject([
        { received: 1, duplicates: 1 },
        { received: 0, duplicates: 1 },
      ]);
    });

    it('know a type when the first pass has ended; what has none is what is left of the channel', async () => {
      const a01 = [await appendOne(store), await appendOne(store)] as const;
      const a08 = await appendOne(store);
      await appendOne(store);
      await appendOne(store, { fault: undecodable });
      await store.settle(channel, [
        settlement(a01[0], [sentPart('lab')], { type: 'ADT^A01' }),
        settlement(a01[1], [queuedPart('lab', 'ready')], { type: 'ADT^A01' }),
        settlement(a08, [], { type: 'ADT^A08' }),
      ]);
      const untyped = { day: today, channel, ...noCounts, received: 2, errored: 1, queued: 1, duplicates: 0 };
      expect(await counts('type')).toEqual([
        { day: today, channel, type: 'ADT^A01', ...noCounts, received: 2, sent: 1, queued: 1 },
        { day: today, channel, type: 'ADT^A08', ...noCounts, received: 1, filtered: 1 },
        untyped,
      ]);
      await store.update(channel, [toError(a01[1])]);
      expect((await counts('type'))[0]).toMatchObject({ received: 2, sent: 1, queued: 0, errored: 1 });
    });

    it('have room for a thousand types of a channel and day, and none for a type that is no word', async () => {
      const appended = await store.append(
        channel,
        Array.from({ length: 1_003 }, () => newMessage()),
      );
      const settlements = appended.map((each, index) =>
        settlement('seq' in each ? each.seq : 0, [queuedPart('lab', 'ready')], {
          type: index === 0 ? 'X'.repeat(101) : `T${index}`,
        }),
      );
      for (let at = 0; at < settlements.length; at += 100) await store.settle(channel, settlements.slice(at, at + 100));
      await store.update(
        channel,
        settlements.map(({ seq }) => toSent(seq)),
      );
      const types = await counts('type');
      expect(types).toHaveLength(1_001);
      expect(types.at(-1)).toEqual({ day: today, channel, ...noCounts, received: 3, sent: 3, duplicates: 0 });
    });

    it('are asked for one channel, or for all', async () => {
      await appendOne(store);
      await appendOne(store, {}, 'oru');
      expect((await counts('channel')).map((each) => each.channel).sort()).toEqual([channel, 'oru']);
      expect(await counts('channel', { channel: 'oru' })).toMatchObject([{ channel: 'oru', received: 1 }]);
      expect(await counts('channel', { channel: 'nowhere' })).toEqual([]);
    });

    it.each([1, 2, 3])('balance over random traffic, and outlive it (seed %i)', async (seed) => {
      const all = await randomTraffic(store, repeatableRandom(seed), async () => {
        store = await harness.reopen();
        return store;
      });
      const byChannel = await counts('channel');
      const byDestination = await counts('destination');
      const byType = await counts('type');
      for (const each of [...byChannel, ...byDestination, ...byType])
        expect(each.received, JSON.stringify(each)).toBe(each.filtered + each.sent + each.errored + each.queued);
      const sum = (rows: readonly DailyCounts[], of: (counts: DailyCounts) => number | undefined) =>
        rows.reduce((total, each) => total + (of(each) ?? 0), 0);
      for (const heading of ['received', 'filtered', 'sent', 'errored', 'queued', 'duplicates'] as const)
        expect(
          sum(byType, (each) => each[heading]),
          heading,
        ).toBe(sum(byChannel, (each) => each[heading]));
      expect(sum(byChannel, ({ duplicates }) => duplicates)).toBe(all.duplicates);

      const messages = await everything(store);
      expect(messages.length).toBe(all.appended);
      expect(withoutDuplicates(byChannel)).toEqual(sorted(expectedOf(messages, () => [{}])));
      const parts = expectedOf(messages, ({ parts }) => parts.map(({ destination }) => ({ destination })));
      expect(withoutDuplicates(byDestination)).toEqual(sorted(parts));
      const typed = expectedOf(messages, ({ type }) => (type === undefined ? [] : [{ type }]));
      expect(withoutDuplicates(byType.filter(({ type }) => type !== undefined))).toEqual(sorted(typed));

      const pruned = await store.prune(channel, {
        contentBefore: start + 9 * dayMs,
        messagesBefore: start + 9 * dayMs,
      });
      expect(pruned.messages).toBeGreaterThan(0);
      expect(await counts('channel')).toEqual(byChannel);
      expect(await counts('destination')).toEqual(byDestination);
      expect(await counts('type')).toEqual(byType);
    });
  });
}

async function everything(store: MessageStore): Promise<readonly MessageSummary[]> {
  const messages: MessageSummary[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.find({ limit: 1_000, ...(cursor === undefined ? {} : { cursor }) });
    messages.push(...page.messages);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return messages;
}

/** What the messages themselves say, counted for the whole or for its parts, as `named` says. */
function expectedOf(
  messages: readonly MessageSummary[],
  named: (message: MessageSummary) => readonly { readonly destination?: string; readonly type?: string }[],
): readonly DailyCounts[] {
  const days = new LocalDays(timeZone);
  const counts = new Map<string, DailyCounts>();
  for (const message of messages) {
    named(message).forEach((name, index) => {
      const day = dayText(days.of(message.receivedAt));
      const key = JSON.stringify([day, message.channel, name]);
      const before = counts.get(key) ?? { day, channel: message.channel, ...name, ...noCounts };
      const heading = name.destination === undefined ? ofMessage(message) : message.parts[index]!.status;
      const as = heading === 'error' ? 'errored' : heading;
      counts.set(key, { ...before, received: before.received + 1, [as]: before[as] + 1 });
    });
  }
  return [...counts.values()];
}

function ofMessage({ status, parts }: MessageSummary) {
  return status === 'received' || parts.some((part) => part.status === 'queued') ? 'queued' : status;
}

function withoutDuplicates(rows: readonly DailyCounts[]): readonly DailyCounts[] {
  return sorted(rows.map(({ duplicates: _, ...row }) => row).filter(({ received }) => received > 0));
}

function sorted(rows: readonly DailyCounts[]): readonly DailyCounts[] {
  const name = ({ day, channel: of, destination = '', type = '' }: DailyCounts) =>
    `${day} ${of} ${destination} ${type}`;
  return rows.toSorted((a, b) => (name(a) < name(b) ? -1 : 1));
}
