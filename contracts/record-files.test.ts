import { describe, expect, it } from 'vitest';
import { describeFormat } from '../core/testing/format-suite.ts';
import { delimitedFormat, delimitedOptions } from './delimited.ts';
import { fixedWidthFormat, fixedWidthOptions } from './fixed-width.ts';

const staff = delimitedFormat('staff.v1', delimitedOptions.parse({ columns: ['id', 'name'] }));
const semicolons = delimitedFormat(
  'staff.v2',
  delimitedOptions.parse({
    columns: ['id', 'name'],
    delimiter: ';',
    header: false,
    newline: 'lf',
    charset: 'windows-1252',
  }),
);
const stock = fixedWidthFormat(
  'stock.v1',
  fixedWidthOptions.parse({
    charset: 'iso-8859-15',
    newline: 'lf',
    records: [
      { name: 'head', mark: { start: 1, value: 'H' }, columns: [{ name: 'day', start: 2, length: 8 }] },
      {
        name: 'item',
        columns: [
          { name: 'code', start: 1, length: 6 },
          { name: 'count', start: 7, length: 4, align: 'right', pad: '0' },
        ],
      },
    ],
  }),
);

describeFormat({
  format: staff,
  samples: [Buffer.from('id,name\r\n1,"Berger, Anna"\r\n2,\r\n'), Buffer.from('id,name\r\n')],
});
describeFormat({ format: semicolons, samples: [Buffer.from('1;M\xfcller\n2;\x80\n', 'latin1')] });
describeFormat({ format: stock, samples: [Buffer.from('H20260302 \nGauze 0012\nB\xe4nder0003\n', 'latin1')] });

const read = (format: typeof staff, text: string) =>
  format.decode(Buffer.from(text), {}).records.map(({ fields }) => ({ ...fields }));

describe('delimited records', () => {
  it('find their columns by the header, in any order and with others between', () => {
    expect(read(staff, 'name,age,id\nAnna,40,7\n')).toEqual([{ id: '7', name: 'Anna' }]);
  });

  it.for([
    ['', 'decoding staff.v1: line 1, column 1: the header is missing'],
    ['id\n1\n', 'decoding staff.v1: line 1, column 1: the header has no column name'],
    ['id,name\n1,Berger\n2\n', 'decoding staff.v1: line 3, column 1: there are 1 cells where 2 are needed'],
    ['id,name\n1,"Berger\n', 'decoding staff.v1: line 2, column 3: a quote is not closed'],
  ])('tell line and column of what is wrong, and no content: %j', ([text, message]) => {
    expect(() => read(staff, text!)).toThrow(message!);
  });

  it('take ragged lines where that is allowed', () => {
    const ragged = delimitedFormat('r', delimitedOptions.parse({ columns: ['a', 'b'], ragged: true }));
    expect(read(ragged, 'a,b\n1\n1,2,3\n')).toEqual([
      { a: '1', b: '' },
      { a: '1', b: '2' },
    ]);
  });

  it('refuse to write a column that is not theirs, and a character that the set does not have', () => {
    expect(() => staff.encode({ records: [{ type: 'row', fields: { nmae: 'x' } }] })).toThrow(
      'encoding staff.v1: record 1 has a column that is not known',
    );
    expect(() => semicolons.encode({ records: [{ type: 'row', fields: { name: '漢' } }] })).toThrow(
      'is not in that set',
    );
  });

  it('refuse bytes of another character set', () => {
    expect(() => staff.decode(Buffer.from([0x69, 0xff]), {})).toThrow('decoding staff.v1: its bytes are not utf-8');
  });
});

describe('fixed-width records', () => {
  it('tell line and position of what is wrong', () => {
    expect(() => read(stock, 'H20260302\nGauze 0012 and more\n')).toThrow(
      'decoding stock.v1: line 2, column 11: it is longer than its record',
    );
    expect(() => stock.encode({ records: [{ type: 'item', fields: { code: 'Bandages' } }] })).toThrow(
      'encoding stock.v1: record 1, column 1: a value is longer than its column',
    );
  });

  it('refuse columns that overlap, when they are configured', () => {
    const columns = [
      { name: 'a', start: 1, length: 4 },
      { name: 'b', start: 4, length: 1 },
    ];
    expect(fixedWidthOptions.safeParse({ records: [{ name: 'x', columns }] }).error?.issues[0]).toMatchObject({
      path: ['records'],
      message: 'x, b: it overlaps a',
    });
  });
});
