import type { Loaded, Problem } from '../config/problem.ts';
import { YamlFile } from '../config/yaml-file.ts';
import type { CodeTable } from './code-table.ts';
import { type Header, type RawTable, tableHash, tableOf, tableOrProblems, withVersionAsWritten } from './read-table.ts';
import { tableHeader } from './table-header.ts';

/** Reads comma-separated text: the records before the first fault, and the fault. Core has no codec of its own, so one is given. */
export type CsvReader = (text: string) => {
  readonly records: readonly {
    readonly line: number;
    readonly cells: readonly string[];
    readonly columns: readonly number[];
  }[];
  readonly fault?: { readonly line: number; readonly column: number; readonly reason: string };
};

/** A table's header in a file beside it. */
export interface Sidecar {
  readonly name: string;
  readonly text: string;
}

/**
 * Reads a code table that is a CSV file. Its first record names the columns; its header is YAML in lines that begin with `#` before
 * that record, or a file beside it.
 * @param name the file's name in problems
 */
export function readCsvTable(name: string, text: string, csv: CsvReader, sidecar?: Sidecar): Loaded<CodeTable> {
  const problems: Problem[] = [];
  const [comment, length] = commentOf(text);
  const header = sidecar ? headerOf(sidecar.name, sidecar.text, problems) : headerOf(name, comment, problems);
  if (!header) return tableOrProblems(undefined, problems);
  // The comment's lines stay, empty: then every record has its own line number.
  const rest = text.slice(0, length).replaceAll(/[^\n]+/g, '') + text.slice(length);
  const { records, fault } = csv(rest);
  if (fault)
    problems.push({ file: name, line: fault.line, column: fault.column, code: 'value-invalid', message: fault.reason });
  const [head, ...rows] = records;
  if (!head) {
    if (!fault)
      problems.push({
        file: name,
        line: 1,
        column: 1,
        code: 'key-missing',
        message: 'the line with the columns is missing',
      });
    return tableOrProblems(undefined, problems);
  }
  const raw: RawTable = {
    header,
    columns: head.cells.map((cell, at) => ({ text: cell.trim(), line: head.line, column: head.columns[at]! })),
    rows: rows.map(({ line, cells, columns }) => {
      if (cells.length !== head.cells.length) {
        const message = `there are ${cells.length} cells where ${head.cells.length} are needed`;
        problems.push({ file: name, line, column: 1, code: 'value-invalid', message });
      }
      return {
        at: { line, column: 1 },
        cells: cells.map((cell, at) => ({ text: cell, line, column: columns[at]! })),
      };
    }),
  };
  const report = (at: { line: number; column: number }, code: Problem['code'], message: string) => {
    problems.push({ file: name, line: at.line, column: at.column, code, message });
  };
  const table = tableOf(name, raw, tableHash(text, sidecar?.text ?? ''), report);
  return tableOrProblems(table, problems);
}

/** The `#` lines at the top as YAML at the same lines and columns, and how long they are in the file. */
function commentOf(text: string): readonly [yaml: string, length: number] {
  let yaml = '';
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  while (text[at] === '#') {
    const end = text.indexOf('\n', at);
    const next = end < 0 ? text.length : end + 1;
    // `# table: x` and `#table: x` alike: what stands after the mark keeps its column where there is a blank after it.
    yaml += `  ${text.slice(at + (text[at + 1] === ' ' ? 2 : 1), next)}`;
    at = next;
  }
  return [yaml, at];
}

function headerOf(name: string, text: string, problems: Problem[]): Header | undefined {
  const file = new YamlFile(name, text);
  const read = file.problems.length > 0 ? undefined : file.read(tableHeader, [], withVersionAsWritten(file) ?? {});
  problems.push(...file.problems);
  return read;
}
