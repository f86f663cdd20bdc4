import { describe, expect, it } from 'vitest';
import { Zone } from '../../core/time/zone.ts';
import { WeeklyHours } from './weekly-hours.ts';

const berlin = new Zone('Europe/Berlin');
const UTC = new Zone('UTC');
const utc = (text: string) => Date.parse(`${text}Z`);
const shown = (stretch: { start: number; end: number } | undefined) =>
  stretch && [stretch.start, stretch.end].map((at) => new Date(at).toISOString().slice(0, 16));

describe('weekly hours', () => {
  const office = new WeeklyHours(berlin, '06:00-20:00', 'mon-fri');

  it('begin and end by the clock on the wall, before and after it is put forward', () => {
    expect(shown(office.at(utc('2026-03-27T12:00')))).toEqual(['2026-03-27T05:00', '2026-03-27T19:00']);
    expect(shown(office.at(utc('2026-03-30T12:00')))).toEqual(['2026-03-30T04:00', '2026-03-30T18:00']);
    expect(office.at(utc('2026-03-27T04:59'))).toBeUndefined();
    expect(office.at(utc('2026-03-30T04:00'))).toBeDefined();
    expect(office.at(utc('2026-03-30T18:00'))).toBeUndefined();
  });

  it('do not begin on another day, nor on a date that is left out', () => {
    expect(office.at(utc('2026-03-28T12:00'))).toBeUndefined();
    const without = new WeeklyHours(berlin, '06:00-20:00', 'mon-fri', ['2026-12-25']);
    expect(without.at(utc('2026-12-25T12:00'))).toBeUndefined();
    expect(without.at(utc('2026-12-24T12:00'))).toBeDefined();
  });

  it('go over midnight, and belong to the day on which they begin', () => {
    const night = new WeeklyHours(berlin, '22:00-06:00', 'sat');
    expect(shown(night.at(utc('2026-10-24T23:00')))).toEqual(['2026-10-24T20:00', '2026-10-25T05:00']);
    expect(shown(night.at(utc('2026-03-28T23:00')))).toEqual(['2026-03-28T21:00', '2026-03-29T04:00']);
    expect(night.at(utc('2026-10-25T22:00'))).toBeUndefined();
  });

  it('of a whole day last 23 and 25 hours when the clock changes', () => {
    const day = new WeeklyHours(berlin, '00:00-24:00', 'sun,tue');
    const hours = (text: string) => {
      const stretch = day.at(utc(text));
      return stretch && (stretch.end - stretch.start) / 3_600_000;
    };
    expect(hours('2026-03-29T12:00')).toBe(23);
    expect(hours('2026-10-25T12:00')).toBe(25);
    expect(hours('2026-11-01T12:00')).toBe(24);
  });

  it('go on over midnight without a gap, for a week at the most', () => {
    const days = new WeeklyHours(UTC, '00:00-24:00', 'fri-sun');
    expect(shown(days.at(utc('2026-11-22T12:00')))).toEqual(['2026-11-20T00:00', '2026-11-23T00:00']);
    const always = new WeeklyHours(UTC, '00:00-24:00', 'mon-sun');
    expect(shown(always.at(utc('2026-11-22T12:00')))).toEqual(['2026-11-15T00:00', '2026-11-23T00:00']);
  });

  it('take the hour that comes twice both times', () => {
    const hour = new WeeklyHours(berlin, '02:00-03:00', 'sun');
    expect(shown(hour.at(utc('2026-10-25T01:30')))).toEqual(['2026-10-25T00:00', '2026-10-25T02:00']);
  });

  it('read days that go over the end of the week', () => {
    const days = new WeeklyHours(berlin, '00:00-24:00', 'sat-mon,wed');
    const open = [21, 22, 23, 24, 25, 26, 27].map((day) => days.at(Date.UTC(2026, 10, day, 12)) !== undefined);
    expect(open).toEqual([true, true, true, false, true, false, false]);
  });
});
