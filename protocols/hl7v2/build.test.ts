import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { build } from './build.ts';
import { timestamp } from './timestamp.ts';

const now = Date.UTC(2026, 2, 2, 7, 15, 1);
const input = { type: ['ADT', 'A01', 'ADT_A01'], controlId: 'M1', now, segments: [] } as const;

describe('build', () => {
  it('writes MSH and the segments', () => {
    const message = build({
      ...input,
      sendingApplication: 'WEIR',
      receivingFacility: ['HOSP', '1.2.3', 'ISO'],
      header: { 15: 'AL', 16: 'NE' },
      segments: [{ name: 'PID', fields: { 3: ['4711001', '', '', 'HOSP', 'MR'], 5: ['O|Neil', 'Ann'], 11: null } }],
    });
    expect(message.text()).toBe(
      'MSH|^~\\&|WEIR|||HOSP^1.2.3^ISO|20260302071501+0000||ADT^A01^ADT_A01|M1|P|2.5.1|||AL|NE||UNICODE UTF-8\r' +
        'PID|||4711001^^^HOSP^MR||O\\F\\Neil^Ann||||||""\r',
    );
  });

  it('writes in other delimiters and another character set', () => {
    const delimiters = {
      field: 0x23,
      component: 0x2a,
      repetition: 0x21,
      escape: 0x3f,
      subcomponent: 0x40,
      truncation: -1,
    };
    const message = build({
      ...input,
      charset: '8859/1',
      delimiters,
      segments: [{ name: 'PID', fields: { 5: 'Mü#' } }],
    });
    expect(Buffer.from(message.raw).toString('latin1')).toMatch(/^MSH#\*!\?@#.*#8859\/1\rPID#####Mü\?F\?\r$/);
    expect(message.get('PID-5')).toBe('Mü#');
  });

  it('refuses what cannot be written', () => {
    expect(() => build({ ...input, charset: 'EBCDIC' })).toThrow(
      expect.objectContaining({ code: 'hl7v2.unknown-charset' }),
    );
    expect(() => build({ ...input, charset: 'ASCII', segments: [{ name: 'PID', fields: { 5: 'ü' } }] })).toThrow(
      expect.objectContaining({ code: 'hl7v2.unencodable' }),
    );
    expect(() => build({ ...input, header: { 2: '^' } })).toThrow(expect.objectContaining({ code: 'hl7v2.bad-value' }));
  });

  it('gives back by parsing what it was given', () => {
    const value = fc.string({ unit: 'grapheme', minLength: 1 });
    const repetition = fc.array(fc.array(value, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 });
    const fields = fc.dictionary(
      fc.integer({ min: 1, max: 40 }).map(String),
      fc.array(repetition, { minLength: 1, maxLength: 3 }).map((repetitions) => ({ repetitions })),
      { maxKeys: 5 },
    );
    fc.assert(
      fc.property(fc.array(fields, { maxLength: 4 }), (segments) => {
        const message = build({ ...input, segments: segments.map((given) => ({ name: 'ZAB', fields: given })) });
        expect(message.segments('ZAB')).toHaveLength(segments.length);
        for (const [index, given] of segments.entries()) {
          for (const [field, { repetitions }] of Object.entries(given)) {
            const read = message
              .segments('ZAB')
              [index]!.field(Number(field))
              .repetitions.map((part) =>
                part.components.map((deep) => deep.subcomponents.map(({ value: text }) => text)),
              );
            expect(read).toEqual(repetitions);
          }
        }
      }),
    );
  });
});

describe('timestamp', () => {
  it('is to the second, with the zone', () => {
    expect(timestamp(now)).toBe('20260302071501+0000');
    expect(timestamp(now + 999)).toBe('20260302071501+0000');
    expect(timestamp(now + 1000)).toBe('20260302071502+0000');
    expect(timestamp(new Date(now), 60)).toBe('20260302081501+0100');
    expect(timestamp(now, -570)).toBe('20260301214501-0930');
  });
});
