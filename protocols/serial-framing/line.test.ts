import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RUN_SHOWN } from './discarded-run.ts';
import { type Scanned, SerialFault } from './fault.ts';
import { LineDecoder, type Lines } from './line.ts';

const text = (value: string) => Buffer.from(value, 'latin1');
const shown = (scanned: readonly Scanned[]) =>
  scanned.map((each) =>
    each instanceof SerialFault ? `${each.code}(${each.content.toString('latin1')})` : each.toString('latin1'),
  );
const lines: Lines = { end: 'cr-or-lf', maxBytes: 10, dropFirst: false };
function decoded(by: Lines, chunks: readonly Buffer[]): readonly string[] {
  const decoder = new LineDecoder(by);
  return shown([...chunks.flatMap((chunk) => decoder.decode(Buffer.from(chunk))), ...decoder.silence()]);
}
const byteByByte = (value: string) => [...text(value)].map((byte) => Buffer.of(byte));

describe('a decoder of lines', () => {
  const nmea: Lines = {
    ...lines,
    end: 'crlf',
    check: { algorithm: 'xor8', written: 'hex', from: 1, uncovered: 1, after: 0 },
  };
  const cases: readonly [what: string, by: Lines, stream: string, expected: readonly string[]][] = [
    ['CR, LF and CRLF', lines, 'a\rb\nc\r\nd\n\r\n', ['a', 'b', 'c', 'd']],
    ['lines of CR', { ...lines, end: 'cr' }, 'a\rb\n\r', ['a', 'b\n']],
    ['lines of LF', { ...lines, end: 'lf' }, 'a\r\n\nb\n', ['a\r', 'b']],
    ['lines of CRLF', { ...lines, end: 'crlf' }, 'a\rb\n\r\n\r\r\n\r\n', ['a\rb\n', '\r']],
    ['an unended line', lines, 'a\nbc', ['a', 'serial.unended(bc)']],
    ['an unended line with CR', { ...lines, end: 'crlf' }, 'bc\r', ['serial.unended(bc\r)']],
    ['a line of the most bytes', lines, '0123456789\n', ['0123456789']],
    ['a line that is too long', lines, '0123456789ABC\nd\n', ['serial.oversize(0123456789ABC)', 'd']],
    ['a first line from its middle', { ...lines, dropFirst: true }, 'SPO2\nb\n', ['serial.unended(SPO2)', 'b']],
    ['a right check', nmea, '$AB*03\r\n', ['$AB*03']],
    ['a wrong check', nmea, '$AB*04\r\n$AB*03\r\n', ['serial.bad-check($AB*04)', '$AB*03']],
    ['a check where a line is too short', nmea, '$\r\n', ['serial.bad-check($)']],
  ];
  it.each(cases)('makes of %s the same, in one chunk and byte by byte', (_, by, stream, expected) => {
    expect(decoded(by, [text(stream)])).toEqual(expected);
    expect(decoded(by, byteByByte(stream))).toEqual(expected);
  });

  it('takes no remainder for a line after a silence in the middle of one', () => {
    const decoder = new LineDecoder(lines);
    decoder.decode(text('SPO2=09'));
    expect(shown(decoder.silence())).toEqual(['serial.unended(SPO2=09)']);
    expect(shown(decoder.decode(text('8\nSPO2=097\n')))).toEqual(['serial.unended(8)', 'SPO2=097']);
    expect(decoder.silence()).toEqual([]);
    expect(shown(decoder.decode(text('SPO2=096\n')))).toEqual(['SPO2=096']);
  });

  it('never gives the end of a line that is too long as a line', () => {
    const decoder = new LineDecoder(lines);
    const found = Array.from({ length: 100 }, () => decoder.decode(Buffer.alloc(1_000, 'x'))).flat();
    expect(shown(found)).toEqual([`serial.oversize(${'x'.repeat(RUN_SHOWN)})`]);
    expect(decoder.discarded).toBe(100_000 - RUN_SHOWN);
    expect(shown(decoder.decode(text('xx\nok\n')))).toEqual(['ok']);
  });

  it('property: any stream gives the same, however it is cut', () => {
    const stream = fc.string({ unit: fc.constantFrom('\r', '\n', 'a', 'b', '\r\n'), maxLength: 80 });
    const end = fc.constantFrom('cr-or-lf' as const, 'cr' as const, 'lf' as const, 'crlf' as const);
    fc.assert(
      fc.property(stream, end, fc.boolean(), fc.integer({ min: 1, max: 12 }), (whole, by, dropFirst, maxBytes) => {
        const config: Lines = { end: by, maxBytes, dropFirst };
        expect(decoded(config, byteByByte(whole))).toEqual(decoded(config, [text(whole)]));
        for (const line of new LineDecoder(config).decode(text(whole))) {
          if (!(line instanceof SerialFault)) expect(line.length).toBeLessThanOrEqual(maxBytes);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('property: gives back the lines of a sound stream', () => {
    const line = fc.string({ unit: fc.constantFrom('a', 'b', ' ', '='), minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(fc.array(line), fc.constantFrom('\r', '\n', '\r\n'), (all, end) => {
        expect(decoded(lines, [text(all.map((each) => each + end).join(''))])).toEqual(all);
      }),
    );
  });
});
