import { describe, expect, it } from 'vitest';
import { table } from './output.ts';

const columns = [{ title: 'Id' }, { title: 'Count', align: 'right' }, { title: 'Error' }] as const;
const text = 'connecting to the far end: refused, and that since yesterday evening at about ten';

describe('a table', () => {
  it('has one line a row where nobody says how wide a line may be', () => {
    expect(table(columns, [['a', '17', text]], Number.POSITIVE_INFINITY).split('\n')).toEqual([
      'Id  Count  Error',
      `a      17  ${text}`,
    ]);
  });

  it('folds its last column below itself where the terminal is narrower, and cuts nothing', () => {
    const lines = table(
      columns,
      [
        ['a', '17', text],
        ['b', '3', 'short'],
        ['c', '', ''],
      ],
      60,
    ).split('\n');
    expect(lines).toEqual([
      'Id  Count  Error',
      'a      17  connecting to the far end: refused, and that',
      '           since yesterday evening at about ten',
      'b       3  short',
      'c',
    ]);
  });

  it('puts it below the line where there is hardly any room beside the others', () => {
    const id = '0198c0de-0000-7000-8000-000000000000';
    const rows = [
      [id, '1', text],
      [id, '1', 'short'],
    ];
    const lines = table(columns, rows, 70).split('\n');
    expect(lines).toEqual([
      `Id${' '.repeat(34)}  Count  Error`,
      `${id}      1`,
      '    connecting to the far end: refused, and that since yesterday',
      '    evening at about ten',
      `${id}      1  short`,
    ]);
    expect(
      table(columns, [[id, '1', 'x'.repeat(100)]], 70)
        .split('\n')
        .at(-1),
    ).toBe(`    ${'x'.repeat(34)}`);
  });
});
