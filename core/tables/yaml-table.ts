import type { Loaded } from '../config/problem.ts';
import { YamlFile } from '../config/yaml-file.ts';
import type { CodeTable } from './code-table.ts';
import { type Cell, tableHash, tableOf, tableOrProblems, withVersionAsWritten, yamlReport } from './read-table.ts';
import { yamlTable } from './table-header.ts';

/**
 * Reads a code table that is one YAML file: its header, and `rows:` as mappings of column to value.
 * @param name the file's name in problems
 */
export function readYamlTable(name: string, text: string): Loaded<CodeTable> {
  const file = new YamlFile(name, text);
  const read = file.problems.length > 0 ? undefined : file.read(yamlTable, [], withVersionAsWritten(file));
  if (!read) return tableOrProblems(undefined, file.problems);
  const { rows: given, ...header } = read;
  const names = [...new Set(given.flatMap((row) => Object.keys(row)))];
  const columns = names.map((column) => ({ text: column, ...file.position(['rows', 0]) }));
  const rows = given.map((row, index) => ({
    at: file.position(['rows', index]),
    cells: names.map((column): Cell | undefined => {
      const value = row[column];
      if (value === undefined || value === null) return undefined;
      const place = ['rows', index, column];
      if (typeof value === 'object') file.problem(place, 'value-invalid', `${place.join('.')}: a text is needed`);
      // As it is written: a code 007 stays one.
      return { text: file.textAt(place) ?? String(value), ...file.position(place) };
    }),
  }));
  const raw = { header, columns, rows };
  return tableOrProblems(tableOf(name, raw, tableHash(text), yamlReport(file)), file.problems);
}
