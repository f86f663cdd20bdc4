import { describe, expect, it } from 'vitest';
import { MemoryContents } from '../../core/store/memory-contents.ts';
import { openMemoryStore } from '../../core/store/memory-store.ts';
import { newMessage } from '../../core/testing/store-fixture.ts';
import { Zone } from '../../core/time/zone.ts';
import type { Expectation } from './alerts-config.ts';
import { Feeds } from './feeds.ts';
import { bySuspicion, feedReport } from './silent.ts';
import { channelStatus } from './testing/statuses.ts';
import { Feed } from './traffic.ts';
import { WeeklyHours } from './weekly-hours.ts';

const hour = 3_600_000;
const day = 24 * hour;
const berlin = new Zone('Europe/Berlin');
/** A Monday, 00:00 in Berlin, five weeks before the end of summer time is a week old. */
const start = Date.UTC(2026, 8, 27, 22);

/** A feed that brings `rate(local hour)` messages an hour, noted every five minutes. */
function fed(weeks: number, rate: (hour: number, week: number) => number): { feed: Feed; at: number; total: number } {
  const feed = new Feed(0, start);
  let [at, total] = [start, 0];
  for (; at < start + weeks * 7 * day; at += hour / 12) {
    total += rate(berlin.wallTime(at).hour, Math.floor((at - start) / (7 * day))) / 12;
    feed.note(total, at, at);
  }
  return { feed, at, total };
}

describe('a feed', () => {
  it('knows what is usual at an hour of the week, on the wall clock over the change of time', () => {
    const { feed, at } = fed(4.5, (each) => (each === 8 ? 120 : 0));
    expect(berlin.wallTime(at)).toMatchObject({ month: 10, day: 29 });
    const nine = Date.UTC(2026, 9, 29, 8);
    expect(feed.usualHour(nine, berlin, 3)).toBeCloseTo(120);
    expect(feed.usualHour(nine - hour, berlin, 3)).toBeCloseTo(0);
    expect(feed.usualHour(nine + hour / 4, berlin, 3)).toBeCloseTo(90);
    expect(feed.usualDay(nine, berlin, 3)).toBeCloseTo(120);
  });

  it('says nothing of what it has not known for enough weeks', () => {
    const { feed, at } = fed(2.5, () => 10);
    expect(feed.usualHour(at, berlin, 2)).toBeCloseTo(10);
    expect(feed.usualHour(at, berlin, 3)).toBeUndefined();
  });

  it('takes the middle of the weeks, so that one holiday changes nothing', () => {
    const { feed, at } = fed(4, (_, week) => (week === 2 ? 0 : 12));
    expect(feed.usualHour(at, berlin, 3)).toBeCloseTo(12);
  });

  it('counts the last hour and the last day, and forgets after five weeks', () => {
    const { feed, at, total } = fed(7, () => 12);
    expect(feed.lastHour).toBeCloseTo(12);
    expect(feed.lastDay(at - 1)).toBeCloseTo(288);
    feed.note(total, undefined, at + hour);
    expect(feed.lastHour).toBeCloseTo(0);
    expect(feed.kept().length).toBeLessThan(20_000);
  });

  it('goes on after a restart, and with a store that was begun anew', () => {
    const { feed, at, total } = fed(3, () => 12);
    const again = Feed.restore(feed.kept());
    expect(again?.kept()).toBe(feed.kept());
    again?.note(total + 5, at, at);
    again?.note(3, at, at);
    expect(again?.lastHour).toBeCloseTo(11 + 8);
    expect(Feed.restore('{"total":')).toBeUndefined();
    expect(Feed.restore('{}')).toBeUndefined();
  });
});

describe('the feeds of a hub', () => {
  it('know when the last stored message came, although their channel has just started', async () => {
    const store = openMemoryStore({ now: () => start });
    await store.append('adt-in', [newMessage({ receivedAt: start - day })]);
    const feeds = new Feeds(store);
    await feeds.note([channelStatus('adt-in', { counts: { received: 1 } }), channelStatus('lab-in')], start);
    expect(feeds.of('adt-in')?.lastReceivedAt).toBe(start - day);
    expect(feeds.of('lab-in')?.lastReceivedAt).toBeUndefined();
  });

  it('are kept every hour', async () => {
    const contents = new MemoryContents();
    const feeds = new Feeds(openMemoryStore({ now: () => start, contents }));
    for (let n = 0; n <= 12; n++)
      await feeds.note([channelStatus('adt-in', { counts: { received: n } })], start + (n * hour) / 12);
    const later = new Feeds(openMemoryStore({ now: () => start, contents }));
    await later.note([channelStatus('adt-in', { counts: { received: 12 } })], start + hour);
    expect(later.of('adt-in')?.lastDay(start + hour)).toBe(12);
  });
});

describe('the report of silent feeds', () => {
  const now = start + 4 * 7 * day;
  const expectation = (everyMs: number): Expectation => ({
    isFor: (name) => name === 'expected',
    hours: new WeeklyHours(berlin, '00:00-24:00', 'mon-sun'),
    name: 'always',
    ...{ everyMs, severity: 'critical', remindEveryMs: 0 },
  });
  const silentSince = (ms: number, rate = 60) => {
    const { feed, at, total } = fed(4, () => rate);
    feed.note(total, at - hour / 12, at + ms);
    return { feed, at: at + ms };
  };
  const report = (name: string, { feed, at }: { feed: Feed; at: number }, expected: readonly Expectation[] = []) =>
    feedReport(channelStatus(name), feed, expected, berlin, at);

  it('tells one that brings nothing where it usually does from one that always was quiet', () => {
    expect(report('busy', silentSince(0))).toMatchObject({ silent: false, usualHour: 60 });
    expect(report('busy', silentSince(2 * hour))).toMatchObject({ silent: true, lastHour: 0, usualHour: 60 });
    expect(report('quiet', silentSince(2 * hour, 0))).toMatchObject({ silent: false, suspicion: 0 });
    expect(report('rare', silentSince(2 * hour, 1))).toMatchObject({ silent: false });
    expect(report('rare', silentSince(30 * hour, 1))).toMatchObject({ silent: true, lastDay: 0 });
  });

  it('goes by what is expected where that is said', () => {
    expect(report('expected', silentSince(2 * hour), [expectation(3 * hour)])).toMatchObject({ silent: false });
    const late = report('expected', silentSince(2 * hour, 0), [expectation(hour)]);
    expect(late).toMatchObject({ silent: true, expectedEveryMs: hour });
    expect(feedReport(channelStatus('expected'), new Feed(0, now), [expectation(hour)], berlin, now).silent).toBe(true);
  });

  it('puts the most suspicious first', () => {
    const reports = [
      report('a-well', silentSince(0)),
      report('b-rare', silentSince(2 * hour, 1)),
      report('c-silent', silentSince(2 * hour)),
      report('expected', silentSince(2 * hour, 0), [expectation(hour)]),
    ].toSorted(bySuspicion);
    expect(reports.map(({ channel }) => channel)).toEqual(['expected', 'c-silent', 'b-rare', 'a-well']);
  });
});
