import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { largeValues } from './large-values.ts';

const fixture = (name: string) => readFileSync(new URL(`../../test-fixtures/hl7v2/${name}`, import.meta.url));

describe('largeValues', () => {
  it('finds the document of a result', () => {
    const raw = fixture('oru-r01-pdf.hl7');
    const found = largeValues(raw, 1_000).map(({ start, end }) => raw.toString('latin1', start, end));
    expect(found).toHaveLength(1);
    expect(Buffer.from(found[0]!, 'base64').toString('latin1')).toMatch(/^%PDF-1\.4.*%%EOF\n$/s);
  });

  it('goes by the delimiters of the message', () => {
    const raw = Buffer.from('MSH#*!?@#A\rZAB#aaaa|aaaa#bb*ccccccc');
    expect(largeValues(raw, 7).map(({ start, end }) => raw.toString('latin1', start, end))).toEqual([
      'aaaa|aaaa',
      'ccccccc',
    ]);
  });

  it('finds nothing where there is no message', () => {
    expect(largeValues(fixture('no-msh.hl7'), 1)).toEqual([]);
    expect(largeValues(Buffer.from('MSH||A'), 1)).toEqual([]);
  });

  it('finds the same as looking at every byte', () => {
    const body = fc.array(
      fc.oneof({ weight: 4, arbitrary: fc.constant('abc') }, fc.constantFrom('|', '^', '~', '\r', '\n', '&')),
    );
    fc.assert(
      fc.property(body, fc.integer({ min: 1, max: 40 }), (pieces, least) => {
        const text = `MSH|^~\\&|${pieces.join('')}`;
        const expected = text.split(/[|^~\r\n]/).filter((value) => value.length >= least);
        const found = largeValues(Buffer.from(text), least).map(({ start, end }) => text.slice(start, end));
        expect(found).toEqual(expected);
      }),
      { numRuns: 1_000 },
    );
  });
});
