import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { timestamp } from '../protocols/hl7v2/timestamp.ts';
import { isoTime } from './hl7v2-clinical.ts';

describe('an HL7 time in ISO 8601', () => {
  it.for([
    ['2026', '2026'],
    ['202603', '2026-03'],
    ['20260302', '2026-03-02'],
    ['2026030208', '2026-03-02T08:00'],
    ['202603020815', '2026-03-02T08:15'],
    ['20260302081500', '2026-03-02T08:15:00'],
    ['20260302081500.1234-0530', '2026-03-02T08:15:00.1234-05:30'],
    [' 20260302 ', '2026-03-02'],
  ])('is as precise as %s', ([hl7, iso]) => {
    expect(isoTime(hl7)).toBe(iso);
  });

  it.for([
    '',
    '20260230',
    '20261301',
    '2026030225',
    '202603020860',
    'today',
    '2026-03-02',
    null,
    undefined,
  ])('is nothing for %s', (text) => {
    expect(isoTime(text)).toBeUndefined();
  });

  it('is the same instant, in whatever zone it was written', () => {
    const date = fc.date({ min: new Date('1900-01-01'), max: new Date('2199-12-31'), noInvalidDate: true });
    fc.assert(
      fc.property(date, fc.integer({ min: -14 * 60, max: 14 * 60 }), (now, offset) => {
        const whole = Math.floor(now.getTime() / 1_000) * 1_000;
        expect(Date.parse(isoTime(timestamp(now, offset)) ?? '')).toBe(whole);
      }),
    );
  });
});
