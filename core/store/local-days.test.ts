import { describe, expect, it } from 'vitest';
import { dayNumber, dayText, LocalDays } from './local-days.ts';

describe('local days', () => {
  it('begin at midnight of the zone', () => {
    const vienna = new LocalDays('Europe/Vienna');
    expect(vienna.of(Date.parse('2026-11-20T22:59:59.999Z'))).toBe(20261120);
    expect(vienna.of(Date.parse('2026-11-20T23:00:00Z'))).toBe(20261121);
    expect(new LocalDays('UTC').of(Date.parse('2026-11-20T23:00:00Z'))).toBe(20261120);
    const kathmandu = new LocalDays('Asia/Kathmandu');
    expect(kathmandu.of(Date.parse('2026-11-20T18:14:59Z'))).toBe(20261120);
    expect(kathmandu.of(Date.parse('2026-11-20T18:15:00Z'))).toBe(20261121);
  });

  it('are 23 or 25 hours long where the clocks change', () => {
    const vienna = new LocalDays('Europe/Vienna');
    const hours = (day: number, from: string) => {
      const start = Date.parse(from);
      return Array.from({ length: 60 }, (_, hour) => vienna.of(start + hour * 3_600_000)).filter((each) => each === day)
        .length;
    };
    expect(hours(20260329, '2026-03-28T00:00Z')).toBe(23);
    expect(hours(20261025, '2026-10-24T00:00Z')).toBe(25);
  });

  it('are told as text and read from it', () => {
    expect(dayText(20261120)).toBe('2026-11-20');
    expect(dayNumber('2026-11-20')).toBe(20261120);
    for (const no of ['2026-02-30', '2026-13-01', '20261120', 'today', '']) expect(dayNumber(no)).toBeUndefined();
  });

  it('refuse a zone that is not known', () => {
    expect(() => new LocalDays('Europe/Atlantis')).toThrow(RangeError);
  });
});
