import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FixedLayout, layoutFault } from './layout.ts';
import { readFixed } from './read.ts';
import { writeFixed } from './write.ts';

const layout: FixedLayout = {
  length: 20,
  newline: '\n',
  types: [
    {
      name: 'head',
      mark: { start: 1, value: 'H' },
      columns: [{ name: 'day', start: 2, length: 8, align: 'left', pad: ' ' }],
    },
    {
      name: 'line',
      mark: { start: 1, value: 'L' },
      columns: [
        { name: 'name', start: 2, length: 9, align: 'left', pad: ' ' },
        { name: 'amount', start: 12, length: 6, align: 'right', pad: '0' },
      ],
    },
  ],
};
const values = (text: string, by = layout) => {
  const { records, fault } = readFixed(text, by);
  expect(fault).toBeUndefined();
  return records.map(({ type, fields }) => [type, { ...fields }]);
};

describe('fixed-width text', () => {
  it('reads columns without what fills them, by record type', () => {
    expect(values('H20260302           \r\nLBerger    000450   \nLx         000000')).toEqual([
      ['head', { day: '20260302' }],
      ['line', { name: 'Berger', amount: '450' }],
      ['line', { name: 'x', amount: '0' }],
    ]);
  });

  it('takes a line whose blanks were cut off, and passes over empty lines', () => {
    expect(values('LBer\n\n\n')).toEqual([['line', { name: 'Ber', amount: '' }]]);
  });

  it('reads records without line breaks between them', () => {
    const block = { ...layout, newline: '' as const };
    expect(values('H20260302           LA         000001   ', block)).toHaveLength(2);
    expect(readFixed('H20260302           LA', block).fault).toMatchObject({
      code: 'fixed-width.truncated',
      line: 2,
      column: 3,
    });
  });

  it.for([
    ['H1\nX2', 'fixed-width.unknown-type', 2, 1],
    ['H20260302             !', 'fixed-width.too-long', 1, 21],
  ] as const)('tells a line that is wrong: %s', ([text, code, line, column]) => {
    expect(readFixed(text, layout).fault).toMatchObject({ code, line, column });
  });

  it('never cuts what is too long for its column', () => {
    expect(writeFixed([{ type: 'line', fields: { name: 'Bergermeister' } }], layout)).toMatchObject({
      code: 'fixed-width.overflow',
      line: 1,
      column: 2,
    });
    expect(writeFixed([{ type: 'line', fields: { name: 'a\nb' } }], layout)).toMatchObject({
      code: 'fixed-width.unwritable',
    });
    expect(writeFixed([{ type: 'foot', fields: {} }], layout)).toMatchObject({ code: 'fixed-width.unknown-type' });
  });

  it('refuses a layout whose columns overlap, leave the record or share a name', () => {
    const column = { name: 'a', start: 2, length: 5, align: 'left', pad: ' ' } as const;
    const of = (...columns: (typeof column)[]) =>
      layoutFault({ length: 10, newline: '\n', types: [{ name: 't', mark: { start: 1, value: 'T' }, columns }] });
    expect(layoutFault(layout)).toBeUndefined();
    expect(of({ ...column, start: 1 } as never)).toEqual(['t', 'a', 'it overlaps the mark']);
    expect(of(column, { ...column, name: 'b', start: 6 } as never)).toEqual(['t', 'b', 'it overlaps a']);
    expect(of({ ...column, length: 10 } as never)).toEqual(['t', 'a', 'it ends after the record']);
    expect(of(column, { ...column, start: 7, length: 1 } as never)).toEqual(['t', 'a', 'there are two of this name']);
  });

  const text = (max: number) => fc.stringMatching(new RegExp(`^[A-Za-z0-9äé,"]{0,${max}}$`));
  const record = fc.oneof(
    fc.record({ type: fc.constant('head'), fields: fc.record({ day: text(8) }) }),
    fc.record({
      type: fc.constant('line'),
      fields: fc.record({ name: text(9), amount: fc.nat(999_999).map(String) }),
    }),
  );

  it('reads back what it wrote', () => {
    fc.assert(
      fc.property(
        fc.array(record),
        fc.constantFrom('\n' as const, '\r\n' as const, '' as const),
        (records, newline) => {
          const written = writeFixed(records, { ...layout, newline }) as string;
          expect(values(written, { ...layout, newline })).toEqual(records.map(({ type, fields }) => [type, fields]));
        },
      ),
    );
  });

  it('survives truncation and garbage', () => {
    fc.assert(
      fc.property(fc.array(record), fc.nat(), fc.string(), (records, cut, garbage) => {
        const whole = writeFixed(records, layout) as string;
        const text = whole.slice(0, cut % (whole.length + 1)) + garbage;
        const read = readFixed(text, layout);
        const lines = text.split(/\r\n|\r|\n/).length;
        for (const { line } of read.records) expect(line).toBeLessThanOrEqual(lines);
        if (read.fault) expect(read.fault.line).toBeLessThanOrEqual(lines);
      }),
    );
  });
});
