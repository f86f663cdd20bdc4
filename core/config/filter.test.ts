import { describe, expect, it } from 'vitest';
import { HubError } from '../errors.ts';
import type { Message } from '../message.ts';
import { CodeTable } from '../tables/code-table.ts';
import { compileFilter } from './filter.ts';
import type { FormatLanguage } from './format-language.ts';
import { YamlFile } from './yaml-file.ts';

/** Payloads of the tests: a list of values by path. */
type Payload = Readonly<Record<string, readonly string[]>>;

const language: FormatLanguage<Payload> = {
  format: 'test',
  path: (text) => {
    if (text === 'bad') throw new HubError('config-invalid', 'permanent', 'reading a path: bad');
    return {
      values: (payload) => payload[text]?.filter((each) => each !== '') ?? [],
      exists: (payload) => payload[text] !== undefined,
    };
  },
  key: () => () => [],
};

const message = {} as Message<Payload>;

function filterOf(yaml: string) {
  const file = new YamlFile('f.yaml', yaml);
  const filter = compileFilter(file, [], file.value, language);
  expect(file.problems).toEqual([]);
  return (payload: Payload) => filter(payload, message);
}

function problemsOf(yaml: string): readonly string[] {
  const file = new YamlFile('f.yaml', yaml);
  compileFilter(file, [], file.value, language);
  return file.problems.map(({ line, column, code }) => `${line}:${column} ${code}`);
}

describe('a filter of a YAML channel', () => {
  it('lets through where any value at the path is the one wanted, or one of a list', () => {
    const filter = filterOf('event: [A01, A08]\nclass: I');
    expect(filter({ event: ['A08'], class: ['O', 'I'] })).toBe(true);
    expect(filter({ event: ['A03'], class: ['I'] })).toBe(false);
    expect(filter({ event: ['A01'] })).toBe(false);
  });

  it('compares values as they are written, whatever YAML reads numbers as', () => {
    expect(filterOf('ward: 007')({ ward: ['007'] })).toBe(true);
    expect(filterOf('version: [1.10]')({ version: ['1.1'] })).toBe(false);
    expect(filterOf('version: [1.10]')({ version: ['1.10'] })).toBe(true);
  });

  it('knows not, any and all around filters and inside conditions', () => {
    const filter = filterOf('any:\n  - { a: 1 }\n  - not: { b: { not: [x] } }\n');
    expect(filter({ a: ['1'] })).toBe(true);
    expect(filter({ b: ['x'] })).toBe(true);
    expect(filter({ b: ['y'] })).toBe(false);
    expect(filterOf('a: { all: [1, { not: 2 }] }')({ a: ['1'] })).toBe(true);
    expect(filterOf('a: { all: [1, { not: 2 }] }')({ a: ['1', '2'] })).toBe(false);
  });

  it('tells a place that holds something from one that does not', () => {
    expect(filterOf('a: { exists: true }')({ a: [''] })).toBe(true);
    expect(filterOf('a: { exists: false }')({})).toBe(true);
  });

  it('names every mistake at its place, all in one go', () => {
    expect(problemsOf('bad: 1\na: { nearly: 2 }\nb: []\nany: { c: 1 }')).toEqual([
      '1:1 path-invalid',
      '2:6 key-unknown',
      '3:4 value-invalid',
      '4:6 value-invalid',
    ]);
  });

  it('refuses a filter that would let everything through', () => {
    expect(problemsOf('{}')).toEqual(['1:1 value-invalid']);
  });
});

describe('a filter that asks a code table', () => {
  const table = new CodeTable(
    { table: 'wards', owner: 'Wards', version: '1', from: 'code', to: 'name' },
    ['code', 'name'],
    [
      { cells: ['ICU', 'Intensive care'], from: Number.NEGATIVE_INFINITY, until: 1_000, line: 2 },
      { cells: ['OPS', 'Theatre'], from: 1_000, until: Number.POSITIVE_INFINITY, line: 3 },
    ],
    'wards.csv',
    'hash',
  );

  it('holds where any value is a code that was in force when the message was received', () => {
    const noted: string[] = [];
    const file = new YamlFile('f.yaml', 'ward: { table: wards }');
    const tables = {
      tables: new Map([['wards', table]]),
      note: (what: string, hash: string) => void noted.push(what, hash),
    };
    const filter = compileFilter(file, [], file.value, language, tables);
    const at = (receivedAt: number) => ({ receivedAt }) as Message<Payload>;
    expect(file.problems).toEqual([]);
    expect(noted).toEqual(['table wards', 'hash']);
    expect(filter({ ward: ['X', 'ICU'] }, at(999))).toBe(true);
    expect(filter({ ward: ['ICU'] }, at(1_000))).toBe(false);
    expect(filter({ ward: ['OPS'] }, at(1_000))).toBe(true);
    expect(filter({}, at(0))).toBe(false);
  });

  it('needs one that there is, and tables at that point', () => {
    const file = new YamlFile('f.yaml', 'a: { table: ward }\nb: { table: 7 }');
    compileFilter(file, [], file.value, language, { tables: new Map([['wards', table]]), note: () => undefined });
    expect(file.problems.map(({ code, message }) => `${code} ${message}`)).toEqual([
      'table-unknown a.table: there is no table ward – did you mean wards?',
      'value-invalid b.table: the name of a code table is needed',
    ]);
    expect(problemsOf('a: { table: wards }')).toEqual(['1:13 value-invalid']);
  });
});

describe('some', () => {
  it('holds where one single value fulfils the condition', () => {
    expect(filterOf('a: { some: { not: x } }')({ a: ['x', 'y'] })).toBe(true);
    expect(filterOf('a: { not: x }')({ a: ['x', 'y'] })).toBe(false);
    expect(filterOf('a: { some: { not: x } }')({ a: ['x'] })).toBe(false);
    expect(filterOf('a: { some: { not: x } }')({})).toBe(false);
    expect(filterOf('a: { some: { all: [{ not: x }, { not: y }] } }')({ a: ['x', 'y'] })).toBe(false);
  });
});
