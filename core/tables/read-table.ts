import type { z } from 'zod';
import { sha256 } from '../config/code-loader.ts';
import type { Loaded, Problem, ProblemCode } from '../config/problem.ts';
import { isMapping, type Position, type YamlFile } from '../config/yaml-file.ts';
import { CodeTable, overlaps, type TableRow } from './code-table.ts';
import { EFFECTIVE_FROM, EFFECTIVE_TO, endOf, startOf, type tableHeader } from './table-header.ts';

export type Header = z.output<typeof tableHeader>;

/** A cell and where it stands. */
export interface Cell extends Position {
  readonly text: string;
}

/** What a CSV file and a YAML file both come down to. */
export interface RawTable {
  readonly header: Header;
  readonly columns: readonly Cell[];
  /** The cells of each row in the order of the columns; undefined where a row leaves one out. */
  readonly rows: readonly { readonly at: Position; readonly cells: readonly (Cell | undefined)[] }[];
}

export type Report = (at: Position, code: ProblemCode, message: string) => void;

/** The columns by which rows are looked up, and those that say when they are in force; -1 where there is none. */
interface Columns {
  readonly from: number;
  readonly effectiveFrom: number;
  readonly effectiveTo: number;
}

/** Checks what was read and makes a table of it; every problem of the content comes in one go. */
export function tableOf(file: string, raw: RawTable, hash: string, report: Report): CodeTable | undefined {
  const names = raw.columns.map(({ text }) => text);
  for (const [at, { text, ...position }] of raw.columns.entries())
    if (names.indexOf(text) < at) report(position, 'value-invalid', `${text}: the table has two columns of this name`);
  const effective = (name: string) => name === EFFECTIVE_FROM || name === EFFECTIVE_TO;
  const [first, second] = names.filter((name) => !effective(name));
  const { from = first, to = second, table, owner, version } = raw.header;
  const top = raw.columns[0] ?? { line: 1, column: 1 };
  for (const name of [from, to].filter((each) => each === undefined || !names.includes(each)))
    report(
      top,
      'key-missing',
      name === undefined ? 'two columns are needed: codes, and what they stand for' : `the column ${name} is missing`,
    );
  if (from === undefined || to === undefined || !names.includes(from) || !names.includes(to)) return undefined;
  const columns = {
    from: names.indexOf(from),
    effectiveFrom: names.indexOf(EFFECTIVE_FROM),
    effectiveTo: names.indexOf(EFFECTIVE_TO),
  };
  const rows = raw.rows.flatMap((row) => rowOf(row, columns, raw.header, names, report) ?? []);
  for (const { row, earlier, same } of overlaps(rows, columns.from)) {
    const what = same ? 'the code stands there already' : 'its time overlaps that of the same code';
    report({ line: row.line, column: 1 }, 'value-invalid', `${from}: ${what}, in line ${earlier.line}`);
  }
  return new CodeTable({ table, owner, version, from, to }, names, rows, file, hash);
}

function rowOf(
  { at, cells }: RawTable['rows'][number],
  columns: Columns,
  { effective }: Header,
  names: readonly string[],
  report: Report,
): TableRow | undefined {
  const code = cells[columns.from];
  if (!code?.text) {
    report(code ?? at, 'key-missing', `${names[columns.from]}: the row has no code`);
    return undefined;
  }
  const dated = (
    column: number,
    otherwise: string | undefined,
    read: (text: string) => number | undefined,
    open: number,
  ) => {
    const cell = column < 0 ? undefined : cells[column];
    const written = cell?.text || otherwise;
    if (!written) return open;
    const instant = read(written);
    if (instant === undefined)
      report(
        cell ?? at,
        'value-invalid',
        `${names[column]}: a day as 2026-03-31, or an instant with its zone, is needed`,
      );
    return instant ?? open;
  };
  const from = dated(columns.effectiveFrom, effective?.from, startOf, Number.NEGATIVE_INFINITY);
  const until = dated(columns.effectiveTo, effective?.to, endOf, Number.POSITIVE_INFINITY);
  if (from >= until) {
    report(cells[columns.effectiveTo] ?? at, 'value-invalid', `${EFFECTIVE_TO}: it lies before ${EFFECTIVE_FROM}`);
    return undefined;
  }
  return { cells: cells.map((cell) => cell?.text ?? ''), from, until, line: at.line };
}

/** The top of a YAML file with its version as it is written: YAML reads an unquoted 2.10 as a number. */
export function withVersionAsWritten(file: YamlFile): unknown {
  const { value } = file;
  return isMapping(value) && typeof value.version === 'number'
    ? { ...value, version: file.textAt(['version']) }
    : value;
}

/** A YAML file whose problems are `file`'s own, with a reporter into them. */
export function yamlReport({ file, problems }: YamlFile): Report {
  return (at, code, message) => problems.push({ file, ...at, code, message });
}

/** The table, or all that is wrong; a table that came with problems is of no use. */
export function tableOrProblems(table: CodeTable | undefined, problems: readonly Problem[]): Loaded<CodeTable> {
  const [first, ...others] = problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
  if (first) return { ok: false, problems: [first, ...others] };
  return { ok: true, value: table! };
}

/** Of a table's files, in order. */
export function tableHash(...texts: readonly string[]): string {
  return sha256(texts.map((text) => sha256(text)).join('\n'));
}
