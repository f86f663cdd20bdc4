import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ValueType } from '../../../clients/postgres/catalog.ts';
import { zoneNamed } from '../../../core/time/zone.ts';
import { converterFor } from './convert.ts';
import type { TimeRules } from './times.ts';
import type { GivenValue } from './unfit.ts';

const zone = zoneNamed('Europe/Berlin');
const rules: TimeRules = { zone, twice: 'first', never: 'later' };
const type = (name: string, modifier = -1): ValueType => ({ sql: name, name, modifier });
const numeric = (precision: number, scale: number) => type('numeric', ((precision << 16) | (scale & 0x7ff)) + 4);
const convert = (of: ValueType, value: NonNullable<GivenValue>, with_: TimeRules = rules) =>
  converterFor(of, with_)(value);

describe('a value that fits', () => {
  it.each<[ValueType, NonNullable<GivenValue>, string]>([
    [type('int2'), '-32768', '-32768'],
    [type('int8'), '+9223372036854775807', '9223372036854775807'],
    [numeric(4, 2), '0099.5000', '0099.5000'],
    [numeric(4, 2), 1e-2, '0.01'],
    [numeric(3, -2), '12300', '12300'],
    [type('numeric'), 'NaN', 'NaN'],
    [type('float8'), '-Infinity', '-Infinity'],
    [type('bool'), 0, 'false'],
    [type('varchar', 6), 'ab   ', 'ab   '],
    [type('bytea'), 'AP8=', '\\x00ff'],
    [type('date'), '2024-02-29', '2024-02-29'],
    [type('timestamptz'), '2026-01-31T23:59:58.1234567+01:00', '2026-01-31T22:59:58.1234567Z'],
    [type('timestamptz'), '20260131235958.12-0530', '2026-02-01T05:29:58.12Z'],
    [type('timestamptz'), '2026-01-31 10:00', '2026-01-31T09:00:00Z'],
    [type('timestamptz'), '20260731', '2026-07-30T22:00:00Z'],
    [type('timestamp'), '2026-07-31T10:00', '2026-07-31T10:00:00'],
    [type('timestamp'), '2026-07-31T10:00Z', '2026-07-31T12:00:00'],
  ])('%o %s', (of, value, text) => {
    expect(convert(of, value)).toBe(text);
  });
});

describe('a value that does not fit', () => {
  it.each<[ValueType, NonNullable<GivenValue>, RegExp]>([
    [type('int2'), 32_768, /too large for int2/],
    [type('int4'), 1.5, /no whole number/],
    [type('int8'), 2 ** 60, /more digits than a JSON number keeps/],
    [type('int4'), true, /no number/],
    [numeric(4, 2), 100, /more than 2 digits before the point/],
    [numeric(4, 2), '1.005', /more than 2 digits after the point/],
    [numeric(4, 2), 'NaN', /no number/],
    [type('float4'), '1,5', /no number/],
    [type('bool'), 'maybe', /neither true nor false/],
    [type('varchar', 6), 'abc', /longer than 2 characters/],
    [type('text'), 'a\0b', /U\+0000/],
    [type('text'), '\ud800', /half a character/],
    [type('text'), ['a'], /object or a list/],
    [type('bytea'), 'A', /neither base64 nor hex/],
    [type('uuid'), '4711', /no UUID/],
    [type('date'), '2023-02-29', /there is not/],
    [type('date'), '2024-02-29T10:00', /is a time/],
    [type('timestamptz'), '2026-01-31T24:00Z', /there is not/],
    [type('timestamptz'), 1_700_000_000_000, /no date or time/],
    [{ ...type('_int4'), element: type('int4') }, '1', /no list/],
    [{ ...type('sex'), labels: ['f', 'm'] }, 'female', /none of 2 values/],
  ])('%o %s', (of, value, why) => {
    expect(() => convert(of, value)).toThrow(why);
    try {
      convert(of, value);
    } catch (thrown) {
      if (typeof value === 'string' && value.length > 2) expect(String(thrown)).not.toContain(value);
    }
  });
});

describe('rule 34: a time without a zone', () => {
  it('does not fit a column with one, nor the other way round, while nobody says the zone', () => {
    const none = { ...rules, zone: undefined };
    expect(() => convert(type('timestamptz'), '2026-01-31T10:00', none)).toThrow(/without a zone/);
    expect(() => convert(type('timestamp'), '2026-01-31T10:00Z', none)).toThrow(/says its zone/);
  });

  it('is, in the hour that comes twice, its first, its second, or an error', () => {
    const at = (twice: TimeRules['twice']) => convert(type('timestamptz'), '2026-10-25T02:30', { ...rules, twice });
    expect([at('first'), at('second')]).toEqual(['2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z']);
    expect(() => at('error')).toThrow(/twice or never/);
  });

  it('is, in the hour that never comes, so much later, or an error', () => {
    const at = (never: TimeRules['never']) => convert(type('timestamptz'), '2026-03-29T02:30', { ...rules, never });
    expect(at('later')).toBe('2026-03-29T01:30:00Z');
    expect(() => at('error')).toThrow(/twice or never/);
  });

  it('is, with one, the same instant', () => {
    const min = new Date('0001-01-02T00:00:00Z');
    const max = new Date('9999-12-30T00:00:00Z');
    const instant = fc.date({ min, max, noInvalidDate: true });
    fc.assert(
      fc.property(instant, fc.integer({ min: -14 * 60, max: 14 * 60 }), (date, offset) => {
        const shown = new Date(date.getTime() + offset * 60_000).toISOString().slice(0, 23);
        const [hours, minutes] = [Math.trunc(Math.abs(offset) / 60), Math.abs(offset) % 60];
        const zoned = `${shown}${offset < 0 ? '-' : '+'}${String(hours).padStart(2, '0')}:${String(minutes).padStart(2, '0')}`;
        expect(new Date(convert(type('timestamptz'), zoned)).getTime()).toBe(date.getTime());
      }),
    );
  });
});
