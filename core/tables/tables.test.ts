import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { COMMA_SEPARATED } from '../../protocols/delimited/dialect.ts';
import { readDelimited } from '../../protocols/delimited/read.ts';
import { describeProblem, type Loaded } from '../config/problem.ts';
import type { CodeTable } from './code-table.ts';
import { readCsvTable } from './csv-table.ts';
import { reloadTables } from './reload-tables.ts';
import { noTables } from './table-set.ts';
import { UnknownCodes } from './unknown-codes.ts';
import { readYamlTable } from './yaml-table.ts';

const csv = (text: string) => readDelimited(text, COMMA_SEPARATED);
const head = '# table: patient-class\n# owner: Patient administration\n# version: 2026-03\n';
const classes = `${head}code,hl7,label\nS,I,"stationär, voll"\nA,O,ambulant\n`;

function table(read: Loaded<CodeTable>): CodeTable {
  expect(read.ok ? [] : read.problems.map(describeProblem)).toEqual([]);
  return (read as { value: CodeTable }).value;
}
const problems = (read: Loaded<CodeTable>) => (read.ok ? [] : read.problems.map(describeProblem));
const at = (day: string) => Date.parse(`${day}T12:00:00Z`);

describe('a code table', () => {
  it('is a CSV file whose header stands in its first lines', () => {
    const read = table(readCsvTable('t.csv', classes, csv));
    expect(read).toMatchObject({
      table: 'patient-class',
      owner: 'Patient administration',
      version: '2026-03',
      size: 2,
    });
    expect(read.lookup()('S', 0)).toBe('I');
    expect(read.lookup('label')('S', 0)).toBe('stationär, voll');
    expect(read.lookup()('X', 0)).toBeUndefined();
  });

  it('has its header in a file beside it, where the CSV file comes from elsewhere', () => {
    const sidecar = { name: 't.csv.yaml', text: 'table: t\nowner: Lab\nversion: 1.10\nfrom: b\nto: a\n' };
    const read = table(readCsvTable('t.csv', 'a,b\n1,x\n', csv, sidecar));
    expect(read.version).toBe('1.10');
    expect(read.lookup()('x', 0)).toBe('1');
  });

  it('is a YAML file, its codes kept as they are written', () => {
    const read = table(
      readYamlTable(
        't.yaml',
        'table: t\nowner: Lab\nversion: 1.10\nrows:\n  - { code: 007, to: 1.50 }\n  - { code: N, to: no }\n',
      ),
    );
    expect(read.version).toBe('1.10');
    expect(read.lookup()('007', 0)).toBe('1.50');
    expect(read.lookup()('7', 0)).toBeUndefined();
    expect(read.lookup()('N', 0)).toBe('no');
  });

  it('looks up in reverse: the first row that is in force answers', () => {
    const read = table(readCsvTable('t.csv', `${head}code,hl7,effectiveTo\nX,I,2025-12-31\nS,I,\nT,I,\n`, csv));
    expect(read.lookup('code', 'hl7')('I', at('2025-12-31'))).toBe('X');
    expect(read.lookup('code', 'hl7')('I', at('2026-01-01'))).toBe('S');
  });

  it('knows what is in force on the day: days count whole, instants end when they come', () => {
    const rows = 'A,old,,2026-03-31\nA,new,2026-04-01,2026-04-30T12:00:00+02:00\nA,last,2026-04-30T12:00:00+02:00,\n';
    const find = table(readCsvTable('t.csv', `${head}code,to,effectiveFrom,effectiveTo\n${rows}`, csv)).lookup();
    expect(find('A', Date.parse('2026-03-31T23:59:59.999Z'))).toBe('old');
    expect(find('A', Date.parse('2026-04-01T00:00:00Z'))).toBe('new');
    expect(find('A', Date.parse('2026-04-30T09:59:59.999Z'))).toBe('new');
    expect(find('A', Date.parse('2026-04-30T10:00:00Z'))).toBe('last');
  });

  it('has the time of its header for rows that say nothing of their own', () => {
    const find = table(readCsvTable('t.csv', `${head}# effective: { from: 2026-01-01 }\ncode,to\nA,b\n`, csv)).lookup();
    expect(find('A', at('2025-12-31'))).toBeUndefined();
    expect(find('A', at('2026-01-01'))).toBe('b');
  });

  it.for([
    [
      'a,b\n',
      [
        't.csv:1:1 key-missing table is missing',
        't.csv:1:1 key-missing owner is missing',
        't.csv:1:1 key-missing version is missing',
      ],
    ],
    [`${head}# ownr: x\na,b\n`, ['t.csv:4:3 key-unknown ownr: no such key – did you mean owner?']],
    [`${head}# to: c\na,b\nx,y\n`, ['t.csv:5:1 key-missing the column c is missing']],
    [`${head}a\nx\n`, ['t.csv:4:1 key-missing two columns are needed: codes, and what they stand for']],
    [`${head}a,b,a\n1,2,3\n`, ['t.csv:4:5 value-invalid a: the table has two columns of this name']],
    [head, ['t.csv:1:1 key-missing the line with the columns is missing']],
    [`${head}a,b\nx,1\ny,2\nx,3\n`, ['t.csv:7:1 value-invalid a: the code stands there already, in line 5']],
    [
      `${head}a,b,effectiveFrom,effectiveTo\nx,1,2026-01-01,2026-06-30\nx,2,2026-06-30,\n`,
      ['t.csv:6:1 value-invalid a: its time overlaps that of the same code, in line 5'],
    ],
    [
      `${head}a,b,effectiveFrom\nx,1,2026-02-30\n`,
      ['t.csv:5:5 value-invalid effectiveFrom: a day as 2026-03-31, or an instant with its zone, is needed'],
    ],
    [
      `${head}a,b,effectiveFrom,effectiveTo\nx,1,2026-02-02,2026-02-01\n`,
      ['t.csv:5:16 value-invalid effectiveTo: it lies before effectiveFrom'],
    ],
    [`${head}a,b\n,1\n`, ['t.csv:5:1 key-missing a: the row has no code']],
    [
      `${head}a,b\nx,1,2\ny\n`,
      [
        't.csv:5:1 value-invalid there are 3 cells where 2 are needed',
        't.csv:6:1 value-invalid there are 1 cells where 2 are needed',
      ],
    ],
    [`${head}a,b\nx,"1\n`, ['t.csv:5:3 value-invalid a quote is not closed']],
  ] as const)('that is wrong is refused with the place of every problem: %j', ([text, expected]) => {
    expect(problems(readCsvTable('t.csv', text, csv))).toEqual(expected);
  });

  it('that is wrong in YAML is refused at line and column', () => {
    expect(
      problems(
        readYamlTable('t.yaml', 'table: t\nowner: o\nversion: 1\nrows:\n  - { a: x, b: 1 }\n  - { a: x, b: 2 }\n'),
      ),
    ).toEqual(['t.yaml:6:1 value-invalid a: the code stands there already, in line 5']);
    expect(problems(readYamlTable('t.yaml', 'table: t\nowner: o\nversion: 1\nrows:\n  - { a: x, b: [1] }\n'))).toEqual([
      't.yaml:5:16 value-invalid rows.0.b: a text is needed',
    ]);
  });

  it('never has two answers: at any instant at most one row of a code is in force', () => {
    const day = fc.integer({ min: 1, max: 28 }).map((n) => `2026-02-${String(n).padStart(2, '0')}`);
    const row = fc.tuple(fc.constantFrom('A', 'B'), day, day);
    fc.assert(
      fc.property(fc.array(row, { maxLength: 6 }), (rows) => {
        const ordered = rows.map(([code, a, b]) => [code, a < b ? a : b, a < b ? b : a] as const);
        const text = ordered.map(([code, from, to], n) => `${code},${n},${from},${to}`).join('\n');
        const read = readCsvTable('t.csv', `${head}a,b,effectiveFrom,effectiveTo\n${text}\n`, csv);
        const clash = ordered.some(([code, from, to], i) =>
          ordered.some(([other, start, end], j) => i !== j && code === other && from <= end && start <= to),
        );
        expect(read.ok).toBe(!clash);
      }),
    );
  });
});

describe('the tables of a hub', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'weir-tables-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('are read anew as another set, and the old one stays as it was', async () => {
    await writeFile(join(folder, 'a.csv'), classes);
    await writeFile(join(folder, 'b.yaml'), 'table: b\nowner: o\nversion: 1\nrows: [{ x: 1, y: 2 }]\n');
    const first = await reloadTables(folder, csv, noTables);
    expect(first).toMatchObject({ changed: ['patient-class', 'b'], problems: [] });
    const same = await reloadTables(folder, csv, first.tables);
    expect(same).toMatchObject({ changed: [], problems: [] });
    expect(same.tables).toBe(first.tables);
    await writeFile(join(folder, 'a.csv'), classes.replace('S,I', 'S,E'));
    const second = await reloadTables(folder, csv, first.tables);
    expect(second.changed).toEqual(['patient-class']);
    expect(first.tables.get('patient-class')?.lookup()('S', 0)).toBe('I');
    expect(second.tables.get('patient-class')?.lookup()('S', 0)).toBe('E');
    expect(second.tables.get('b')).toBe(first.tables.get('b'));
    await rm(join(folder, 'b.yaml'));
    const third = await reloadTables(folder, csv, second.tables);
    expect([third.changed, [...third.tables.keys()]]).toEqual([['b'], ['patient-class']]);
  });

  it('stay in force when a reload finds problems', async () => {
    await writeFile(join(folder, 'a.csv'), classes);
    const { tables } = await reloadTables(folder, csv, noTables);
    await writeFile(join(folder, 'c.csv'), classes);
    const taken = await reloadTables(folder, csv, tables);
    expect(taken.problems).toMatchObject([{ file: join(folder, 'c.csv'), code: 'name-taken' }]);
    expect(taken.tables).toBe(tables);
    await writeFile(join(folder, 'c.csv'), Uint8Array.of(0x23, 0xff));
    expect((await reloadTables(folder, csv, tables)).problems).toMatchObject([
      { code: 'file-unreadable', message: 'not UTF-8' },
    ]);
  });

  it('are none where there is no folder', async () => {
    expect(await reloadTables(join(folder, 'none'), csv, noTables)).toEqual({
      tables: noTables,
      changed: [],
      problems: [],
    });
  });
});

describe('the worklist of unknown codes', () => {
  it('counts by channel, table and code, from the first time to the last', () => {
    const unknown = new UnknownCodes();
    unknown.note('t', 'X', 'adt', 200);
    unknown.note('t', 'X', 'adt', 100);
    unknown.note('t', 'X', 'oru', 300);
    expect(unknown.list('t')).toEqual([
      { table: 't', code: 'X', channel: 'adt', count: 2, firstSeen: 100, lastSeen: 200 },
      { table: 't', code: 'X', channel: 'oru', count: 1, firstSeen: 300, lastSeen: 300 },
    ]);
    unknown.clear('t', 'X');
    expect(unknown.list()).toEqual([]);
  });

  it('is bounded in entries and in the length of a code', () => {
    const unknown = new UnknownCodes(2);
    for (const code of ['a', 'b', 'c', 'c']) unknown.note('t', code, 'adt', 1);
    expect([unknown.list().length, unknown.untold]).toEqual([2, 2]);
    const long = new UnknownCodes();
    long.note('t', 'x'.repeat(1000), 'adt', 1);
    expect(long.list()[0]?.code.length).toBe(64);
  });
});
