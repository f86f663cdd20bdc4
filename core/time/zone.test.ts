import { describe, expect, it } from 'vitest';
import { Zone } from './zone.ts';

const berlin = new Zone('Europe/Berlin');
const utc = (text: string) => Date.parse(`${text}Z`);

describe('a zone', () => {
  const instant = (day: number, month: number, hour: number, minute: number, which?: 'first' | 'second') =>
    new Date(berlin.instant({ year: 2026, month, day, hour, minute }, which)).toISOString().slice(0, 16);

  it('knows winter and summer time', () => {
    expect(instant(15, 1, 12, 0)).toBe('2026-01-15T11:00');
    expect(instant(15, 7, 12, 0)).toBe('2026-07-15T10:00');
    expect(berlin.wallTime(utc('2026-07-15T22:30'))).toMatchObject({ day: 16, hour: 0, minute: 30 });
  });

  it('reads a time that comes twice as either, and one that never comes with the offset before the gap', () => {
    expect(instant(25, 10, 2, 30)).toBe('2026-10-25T00:30');
    expect(instant(25, 10, 2, 30, 'second')).toBe('2026-10-25T01:30');
    expect(instant(29, 3, 2, 30)).toBe('2026-03-29T01:30');
    expect(berlin.wallTime(utc('2026-03-29T01:30'))).toMatchObject({ hour: 3, minute: 30 });
  });

  it('counts days and hours beyond their range on', () => {
    expect(instant(32, 12, 0, 0)).toBe('2026-12-31T23:00');
    expect(instant(1, 3, 24, 0)).toBe('2026-03-01T23:00');
    expect(instant(0, 3, 12, 0)).toBe('2026-02-28T11:00');
  });

  it('keeps every quarter of an hour of a year, there and back', () => {
    for (let at = utc('2026-01-01T00:00'); at < utc('2027-01-01T00:00'); at += 7 * 900_000) {
      const wall = berlin.wallTime(at);
      expect([berlin.instant(wall), berlin.instant(wall, 'second')]).toContain(at);
    }
  });
});
