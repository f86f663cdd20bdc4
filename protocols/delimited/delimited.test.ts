import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { COMMA_SEPARATED, type Dialect } from './dialect.ts';
import { readDelimited } from './read.ts';
import { writeDelimited } from './write.ts';

const cellsOf = (text: string, dialect: Dialect = COMMA_SEPARATED) => {
  const { records, fault } = readDelimited(text, dialect);
  expect(fault).toBeUndefined();
  return records.map(({ cells }) => cells);
};

describe('delimited text', () => {
  it('reads quoted cells with delimiters, quotes and line breaks in them', () => {
    expect(cellsOf('a,"b,c","say ""so"""\r\n"two\nlines",,x\r\n')).toEqual([
      ['a', 'b,c', 'say "so"'],
      ['two\nlines', '', 'x'],
    ]);
  });

  it('takes any line end, and a last record without one', () => {
    expect(cellsOf('a\rb\nc\r\nd')).toEqual([['a'], ['b'], ['c'], ['d']]);
  });

  it('passes over a byte order mark and empty lines', () => {
    expect(cellsOf('\ufeffa;b\n\n\nc;d\n', { ...COMMA_SEPARATED, delimiter: ';' })).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
  });

  it('keeps a quote inside of a cell, and every quote where the dialect has none', () => {
    expect(cellsOf('5" pipe,x\n')).toEqual([['5" pipe', 'x']]);
    expect(cellsOf('"a|b"\n', { ...COMMA_SEPARATED, delimiter: '|', quote: undefined })).toEqual([['"a', 'b"']]);
  });

  it('says where every record and cell begins', () => {
    expect(
      readDelimited('a,bb,c\n"x\ny",z\nq', COMMA_SEPARATED).records.map(({ line, columns }) => [line, columns]),
    ).toEqual([
      [1, [1, 3, 6]],
      [2, [1, 4]],
      [4, [1]],
    ]);
  });

  it('tells a quote that is not closed where it was opened, with the records before it', () => {
    expect(readDelimited('a,b\nc,"d\ne\n', COMMA_SEPARATED)).toEqual({
      records: [{ line: 1, cells: ['a', 'b'], columns: [1, 3] }],
      fault: { code: 'delimited.unclosed-quote', reason: 'a quote is not closed', line: 2, column: 3 },
    });
  });

  it('tells text after a closing quote', () => {
    expect(readDelimited('"a\nb"c,d', COMMA_SEPARATED).fault).toMatchObject({
      code: 'delimited.text-after-quote',
      line: 2,
      column: 3,
    });
  });

  it('refuses to write what only quotes could carry', () => {
    expect(writeDelimited([['a'], ['b', 'c,d']], { ...COMMA_SEPARATED, quote: undefined })).toMatchObject({
      code: 'delimited.unwritable',
      line: 2,
      column: 2,
    });
  });

  const dialects = fc.record({
    delimiter: fc.constantFrom(',', ';', '\t', '|'),
    quote: fc.constantFrom('"', "'"),
    newline: fc.constantFrom('\r\n' as const, '\n' as const),
  });
  const cell = fc.oneof(
    fc.string(),
    fc.string({ unit: fc.constantFrom('"', "'", ',', ';', '\r', '\n', '\ufeff', 'a', '$&') }),
  );

  it('reads back what it wrote, whatever the cells hold', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(cell, { minLength: 1, maxLength: 5 }), { maxLength: 6 }),
        dialects,
        (rows, dialect) => {
          expect(cellsOf(writeDelimited(rows, dialect) as string, dialect)).toEqual(rows);
        },
      ),
    );
  });

  it('survives truncation and garbage: records, and at most one fault inside of the text', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(cell, { minLength: 1 }), { maxLength: 5 }),
        fc.nat(),
        fc.string(),
        (rows, cut, garbage) => {
          const whole = writeDelimited(rows, COMMA_SEPARATED) as string;
          const text = whole.slice(0, cut % (whole.length + 1)) + garbage;
          const { records, fault } = readDelimited(text, COMMA_SEPARATED);
          const lines = text.split(/\r\n|\r|\n/).length;
          for (const { line, cells, columns } of records) {
            expect(line).toBeLessThanOrEqual(lines);
            expect(columns.length).toBe(cells.length);
          }
          if (fault) expect(fault.line).toBeLessThanOrEqual(lines);
        },
      ),
    );
  });
});
