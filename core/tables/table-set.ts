import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type Loaded, loaded, type Problem } from '../config/problem.ts';
import { shownPath } from '../config/shown-path.ts';
import type { CodeTable } from './code-table.ts';
import { type CsvReader, readCsvTable } from './csv-table.ts';
import { tableHash } from './read-table.ts';
import { readYamlTable } from './yaml-table.ts';

/** Code tables by name. Never changed: what was compiled with a set goes on with it. */
export type TableSet = ReadonlyMap<string, CodeTable>;

export const noTables: TableSet = new Map();

/** Beyond this a file is not read as a code table: it would stand in memory as a whole. */
const MAX_BYTES = 64 * 1024 * 1024;
const SIDECAR = '.csv.yaml';
/** Files that are read at the same time. */
const AT_ONCE = 8;

/**
 * Loads every `*.csv` and `*.yaml` of a folder and its subfolders; `x.csv.yaml` is the header of `x.csv`. A folder that is not there
 * has no tables. With problems there is no set: half of one would answer wrongly.
 * @param before tables as they were read last: a file that has not changed is not read into another one
 */
export async function loadTables(directory: string, csv: CsvReader, before = noTables): Promise<Loaded<TableSet>> {
  const tables = new Map<string, CodeTable>();
  const problems: Problem[] = [];
  const known = new Map([...before.values()].map((table) => [table.file, table]));
  const paths = await tableFiles(directory);
  const reads: Loaded<CodeTable>[] = [];
  for (let from = 0; from < paths.length; from += AT_ONCE) {
    const batch = paths.slice(from, from + AT_ONCE);
    reads.push(...(await Promise.all(batch.map((path) => readTable(path, csv, known.get(shownPath(path)))))));
  }
  for (const [index, read] of reads.entries()) {
    const path = paths[index]!;
    if (!read.ok) {
      problems.push(...read.problems);
      continue;
    }
    const { table } = read.value;
    const other = tables.get(table);
    if (other) problems.push(problem(path, 'name-taken', `the table ${table} is defined in ${other.file} too`));
    else tables.set(table, read.value);
  }
  const [first, ...others] = problems;
  return first ? { ok: false, problems: [first, ...others] } : { ok: true, value: tables };
}

async function readTable(path: string, csv: CsvReader, before: CodeTable | undefined): Promise<Loaded<CodeTable>> {
  const name = shownPath(path);
  try {
    const text = await read(path);
    const isYaml = path.endsWith('.yaml');
    const sidecar = isYaml ? undefined : await readOrNone(`${path}.yaml`);
    if (before && before.hash === (isYaml ? tableHash(text) : tableHash(text, sidecar ?? ''))) return loaded(before);
    if (isYaml) return readYamlTable(name, text);
    return readCsvTable(name, text, csv, sidecar === undefined ? undefined : { name: `${name}.yaml`, text: sidecar });
  } catch (thrown) {
    return { ok: false, problems: [problem(path, 'file-unreadable', reason(thrown))] };
  }
}

async function read(path: string): Promise<string> {
  const bytes = await readFile(path);
  if (bytes.length > MAX_BYTES) throw new RangeError('longer than a code table may be');
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
}

async function readOrNone(path: string): Promise<string | undefined> {
  try {
    return await read(path);
  } catch (thrown) {
    if ((thrown as { code?: unknown }).code === 'ENOENT') return undefined;
    throw thrown;
  }
}

async function tableFiles(directory: string): Promise<string[]> {
  let entries: Awaited<ReturnType<typeof entriesOf>>;
  try {
    entries = await entriesOf(directory);
  } catch (thrown) {
    if ((thrown as { code?: unknown }).code === 'ENOENT') return [];
    throw thrown;
  }
  const files: string[] = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (basename(entry.name).startsWith('.')) continue;
    const path = join(directory, entry.name);
    if (entry.isDirectory()) files.push(...(await tableFiles(path)));
    else if (isTable(entry.name)) files.push(path);
  }
  return files;
}

const entriesOf = (directory: string) => readdir(directory, { withFileTypes: true });
const isTable = (name: string) => name.endsWith('.csv') || (name.endsWith('.yaml') && !name.endsWith(SIDECAR));

function problem(path: string, code: Problem['code'], message: string): Problem {
  return { file: shownPath(path), line: 1, column: 1, code, message };
}

function reason(thrown: unknown): string {
  const code = (thrown as { code?: unknown }).code;
  if (typeof code === 'string') return code === 'ERR_ENCODING_INVALID_ENCODED_DATA' ? 'not UTF-8' : code;
  return thrown instanceof Error ? thrown.message : String(thrown);
}
