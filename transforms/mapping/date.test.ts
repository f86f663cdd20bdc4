import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isoTime } from '../../contracts/hl7v2-clinical.ts';
import { Zone } from '../../core/time/zone.ts';
import { DatePattern, readHl7, readIso, writeHl7, writeIso } from './moment.ts';
import { mapped } from './testing/maps.ts';

const dated = (date: string, text: string, top = '') => mapped(`{ from: in, date: { ${date} } }`, text, {}, top);

describe('a date', () => {
  it.for([
    ['2024', '2024'],
    ['202401', '2024-01'],
    ['20240131', '2024-01-31'],
    ['2024013108', '2024-01-31T08:00'],
    ['202401310815', '2024-01-31T08:15'],
    ['20240131081530', '2024-01-31T08:15:30'],
    ['20240131081530.25', '2024-01-31T08:15:30.25'],
    ['20240131081530-0530', '2024-01-31T08:15:30-05:30'],
    ['202401310815+0000', '2024-01-31T08:15Z'],
    ['20240131+0100', '2024-01-31'],
    ['20240229', '2024-02-29'],
  ])('of HL7 is as precise in ISO 8601: %s', ([text, iso]) => {
    expect(dated('from: hl7, to: iso', text!)).toBe(iso);
  });

  it.for([
    '20240230',
    '20241301',
    '20230229',
    '2024013',
    '2024013124',
    '202401310860',
    '20240131081530.',
    '202401310815+01',
    'unknown',
    '20240131081530.12345',
  ])('that is none is an error, or empty where the map says so: %s', (text) => {
    expect(() => dated('from: hl7', text)).toThrow('it is no date that is written so');
    expect(dated('from: hl7, invalid: empty', text)).toBeUndefined();
  });

  it('of ISO 8601 is as precise in HL7', () => {
    expect(dated('to: hl7', '2024-01-31T08:15:30.123456+01:00')).toBe('20240131081530.1234+0100');
    expect(dated('to: hl7', '2024-01-31T08:15Z')).toBe('202401310815+0000');
    expect(dated('to: hl7', '2024-01')).toBe('202401');
  });

  it('leaves out what is finer than asked for, and makes nothing up', () => {
    expect(dated('from: hl7, precision: day', '20240131081530')).toBe('2024-01-31');
    expect(dated('from: hl7, precision: second', '202401')).toBe('2024-01');
    expect(dated('from: hl7, offset: false', '20240131081530+0100')).toBe('2024-01-31T08:15:30');
  });

  it('reads and writes patterns of one’s own', () => {
    expect(dated('from: dd.MM.yyyy, to: hl7', '31.01.2024')).toBe('20240131');
    expect(dated('from: hl7, to: "dd/MM/yyyy HH:mm"', '20240131081530')).toBe('31/01/2024 08:15');
    expect(() => dated('from: hl7, to: "dd/MM/yyyy HH:mm"', '20240131')).toThrow('less precise than the pattern');
    expect(() => new DatePattern('dd.MM')).toThrow(RangeError);
    expect(() => new DatePattern('yyyy-DD')).toThrow('D is none of');
  });

  it('stays a day in every zone; times are converted', () => {
    expect(dated('from: hl7, zone: Asia/Tokyo, in: America/New_York', '20240131')).toBe('2024-01-31');
    expect(dated('from: hl7, zone: Asia/Tokyo, in: America/New_York', '2024013108')).toBe('2024-01-30T18:00-05:00');
    expect(() => dated('from: hl7, in: UTC', '2024013108')).toThrow('the time says no zone, and the map names none');
  });

  it('has the zone of the map, or of the sender’s profile', () => {
    expect(dated('from: hl7', '202407010815', 'zone: Europe/Berlin\n')).toBe('2024-07-01T08:15+02:00');
    expect(mapped('{ from: in, date: { from: hl7 } }', '202401010815', { zone: 'Europe/Berlin' })).toBe(
      '2024-01-01T08:15+01:00',
    );
  });

  it('means, in the hour that the clock shows twice, the first time unless the map says otherwise (rule 34)', () => {
    expect(dated('from: hl7, zone: Europe/Berlin', '202610250230')).toBe('2026-10-25T02:30+02:00');
    expect(dated('from: hl7, zone: Europe/Berlin, twice: second', '202610250230')).toBe('2026-10-25T02:30+01:00');
    expect(() => dated('from: hl7, zone: Europe/Berlin, twice: error', '202610250230')).toThrow('twice or never');
    expect(dated('from: hl7, zone: Europe/Berlin', '202610250159')).toBe('2026-10-25T01:59+02:00');
    expect(dated('from: hl7, zone: Europe/Berlin', '202610250300')).toBe('2026-10-25T03:00+01:00');
  });

  it('means, in the hour that the clock never shows, so much later unless the map says otherwise (rule 34)', () => {
    expect(dated('from: hl7, zone: Europe/Berlin', '202603290230')).toBe('2026-03-29T03:30+02:00');
    expect(() => dated('from: hl7, zone: Europe/Berlin, never: error', '202603290230')).toThrow('twice or never');
    expect(dated('from: hl7, zone: Europe/Berlin', '202603290159')).toBe('2026-03-29T01:59+01:00');
    expect(dated('from: hl7, zone: Europe/Berlin', '202603290300')).toBe('2026-03-29T03:00+02:00');
    // Half an hour, on the other side of the world.
    expect(dated('from: hl7, zone: Australia/Lord_Howe', '202610040215')).toBe('2026-10-04T02:45+11:00');
  });

  it('says the same as before when it is read again', () => {
    const parts = fc.record({
      day: fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }),
      offset: fc.option(fc.integer({ min: -1439, max: 1439 })),
    });
    fc.assert(
      fc.property(parts, fc.constantFrom(4, 6, 8, 10, 12, 14), ({ day, offset }, length) => {
        const digits = day.toISOString().replaceAll(/\D/g, '').slice(0, length);
        const size = Math.abs(offset ?? 0);
        const zone =
          offset === null || length < 10
            ? ''
            : `${offset < 0 ? '-' : '+'}${String(Math.floor(size / 60)).padStart(2, '0')}${String(size % 60).padStart(2, '0')}`;
        const moment = readHl7(digits + zone)!;
        const hour = length === 10 ? '00' : '';
        expect(writeHl7(moment)).toBe(digits + zone);
        expect(writeHl7(readIso(writeIso(moment))!)).toBe((digits + hour + zone).replace('-0000', '+0000'));
        expect(writeIso(moment).replace(/Z$/, '+00:00')).toBe(isoTime(digits + zone)?.replace(/-00:00$/, '+00:00'));
      }),
    );
  });
});

describe('a time zone', () => {
  it.for([
    'Europe/Berlin',
    'America/New_York',
    'Australia/Lord_Howe',
    'Africa/Casablanca',
    'Asia/Kolkata',
    'America/Sao_Paulo',
    'UTC',
  ])('has at any instant the offset that the platform has: %s', (name) => {
    const zone = new Zone(name);
    const format = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' });
    const expected = (instant: number) => {
      const [, sign, hours, minutes] = /GMT(?:([+-])(\d\d):(\d\d))?/.exec(format.format(instant)) ?? [];
      return sign === undefined ? 0 : (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
    };
    fc.assert(
      fc.property(
        fc.date({ min: new Date('1980-01-01'), max: new Date('2060-01-01'), noInvalidDate: true }),
        (date) => {
          const instant = date.getTime();
          expect(zone.offsetAt(instant)).toBe(expected(instant));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('is not known by any other name', () => {
    expect(() => new Zone('Middle/Earth')).toThrow(RangeError);
  });
});
