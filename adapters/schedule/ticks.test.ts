import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cronSchedule } from '../../contracts/cron-schedule.ts';
import { everyTicks, latestTick, type Ticks } from './ticks.ts';

function first(ticks: Ticks, after: string, count: number): readonly string[] {
  const found: string[] = [];
  for (let at = ticks.next(Date.parse(after)); at !== undefined && found.length < count; at = ticks.next(at))
    found.push(new Date(at).toISOString().slice(5, 16));
  return found;
}

const changes = [
  Date.UTC(2026, 9, 25, 1),
  Date.UTC(2026, 2, 29, 1),
  Date.UTC(2026, 10, 1, 6),
  Date.UTC(2026, 3, 4, 15),
  Date.UTC(2026, 9, 3, 15, 30),
];
/** Minutes since the epoch, around the hours in which some zone changes its clocks. */
const nearChanges = fc
  .tuple(fc.constantFrom(...changes), fc.integer({ min: -240, max: 240 }))
  .map(([change, by]) => change / 60_000 + by);

describe('the times of a cron expression', () => {
  it.for([
    ['30 6 * * 1-5', 'Europe/Berlin', '2026-01-02T05:29:00Z', ['01-02T05:30', '01-05T05:30']],
    ['*/20 * * * *', 'UTC', '2026-01-01T00:00:00Z', ['01-01T00:20', '01-01T00:40', '01-01T01:00']],
    ['0 0 7 L * *', 'Asia/Kolkata', '2026-02-01T00:00:00Z', ['02-28T01:30', '03-31T01:30']],
    ['@daily', 'America/New_York', '2026-01-01T00:00:00Z', ['01-01T05:00', '01-02T05:00']],
  ] as const)('%s in %s', ([expression, zone, after, times]) => {
    expect(first(cronSchedule(expression, zone), after, times.length)).toEqual(times);
  });

  it.for([
    ['a time that is skipped is as much later', '30 2 * * *', '2026-03-28T12:00:00Z', ['03-29T01:30', '03-30T00:30']],
    [
      'each of several that are skipped is',
      '0,30 2 * * *',
      '2026-03-28T12:00:00Z',
      ['03-29T01:00', '03-29T01:30', '03-30T00:00', '03-30T00:30'],
    ],
    [
      'every half-hour goes on',
      '*/30 * * * *',
      '2026-03-29T00:20:00Z',
      ['03-29T00:30', '03-29T01:00', '03-29T01:30', '03-29T02:00'],
    ],
  ] as const)('where Berlin puts its clocks forward, %s', ([, expression, after, times]) => {
    expect(first(cronSchedule(expression, 'Europe/Berlin'), after, times.length)).toEqual(times);
  });

  it.for([
    ['a time that comes twice is the first', '30 2 * * *', '2026-10-24T12:00:00Z', ['10-25T00:30', '10-26T01:30']],
    [
      'every half-hour goes on through both',
      '*/30 * * * *',
      '2026-10-24T23:40:00Z',
      ['10-25T00:00', '10-25T00:30', '10-25T01:00', '10-25T01:30', '10-25T02:00', '10-25T02:30'],
    ],
    [
      'every second hour does not',
      '0 */2 * * *',
      '2026-10-24T21:00:00Z',
      ['10-24T22:00', '10-25T00:00', '10-25T03:00'],
    ],
    ['every hour too', '@hourly', '2026-10-24T23:40:00Z', ['10-25T00:00', '10-25T01:00', '10-25T02:00']],
  ] as const)('where Berlin puts its clocks back, %s', ([, expression, after, times]) => {
    expect(first(cronSchedule(expression, 'Europe/Berlin'), after, times.length)).toEqual(times);
  });

  it('never leaves out a minute of every minute, in any zone, in a whole year', () => {
    const zones = ['Europe/Berlin', 'America/St_Johns', 'Australia/Lord_Howe', 'America/New_York', 'Asia/Kathmandu'];
    const minute = fc.integer({ min: Date.UTC(2026, 0, 1) / 60_000, max: Date.UTC(2027, 0, 1) / 60_000 });
    fc.assert(
      fc.property(fc.constantFrom(...zones), fc.oneof(minute, nearChanges), (zone, at) => {
        expect(cronSchedule('* * * * *', zone).next(at * 60_000)).toBe((at + 1) * 60_000);
      }),
      { numRuns: 400 },
    );
  });

  it('comes after the time it was asked for, whatever the schedule, the zone and the hour', () => {
    const minute = fc.integer({ min: Date.UTC(2026, 0, 1) / 60_000, max: Date.UTC(2027, 0, 1) / 60_000 });
    const expressions = ['30 2 * * *', '*/30 * * * *', '0 */2 * * *', '15 1,2,3 * * 0', '59 23 L * *'];
    const zones = fc.constantFrom('Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Africa/Casablanca');
    const times = fc.oneof(minute, nearChanges);
    fc.assert(
      fc.property(fc.constantFrom(...expressions), zones, times, times, (expression, zone, one, other) => {
        const ticks = cronSchedule(expression, zone);
        const [early, late] = [Math.min(one, other) * 60_000, Math.max(one, other) * 60_000];
        expect(ticks.next(early)).toBeGreaterThan(early);
        expect(ticks.next(early)).toBeLessThanOrEqual(ticks.next(late)!);
      }),
      { numRuns: 400 },
    );
  });

  it('ends where there is none any more', () => {
    expect(cronSchedule('0 0 31 2 *', 'UTC').next(0)).toBeUndefined();
    expect(cronSchedule('0 0 0 1 1 * 2020', 'UTC').next(Date.UTC(2026, 0, 1))).toBeUndefined();
  });

  it.for([
    '',
    'x',
    '60 * * * *',
    '* * * *',
    '2030-01-01T00:00:00',
    '* * * * * * * *',
    '@never',
  ])('refuses %j', (text) => {
    expect(() => cronSchedule(text, 'UTC')).toThrow();
  });

  it('refuses a time zone that is none', () => {
    expect(() => cronSchedule('* * * * *', 'Mars/Olympus')).toThrow();
  });
});

describe('the last tick before a time', () => {
  it('is the one that stepping would find, over any stop', () => {
    const spans = fc.tuple(fc.integer({ min: 0, max: 10_000_000 }), fc.integer({ min: 0, max: 10_000_000 }));
    fc.assert(
      fc.property(fc.constantFrom(100, 1_000, 7_777, 60_000), spans, (everyMs, [after, more]) => {
        const until = after + more;
        const last = Math.floor(until / everyMs) * everyMs;
        expect(latestTick(everyTicks(everyMs), after, until)).toBe(last > after ? last : undefined);
      }),
    );
  });

  it('is found at once on a schedule of seconds after a year', () => {
    const before = performance.now();
    const until = Date.UTC(2027, 0, 1);
    expect(latestTick(cronSchedule('* * * * * *', 'UTC'), Date.UTC(2026, 0, 1), until)).toBe(until);
    expect(performance.now() - before).toBeLessThan(10_000);
  });
});
