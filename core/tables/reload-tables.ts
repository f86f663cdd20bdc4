import type { Problem } from '../config/problem.ts';
import type { CsvReader } from './csv-table.ts';
import { loadTables, type TableSet } from './table-set.ts';

/** What a reload found. */
export interface ReloadedTables {
  /** With problems those of before; a set that is the same in all is the same object. */
  readonly tables: TableSet;
  /** Tables that are new, gone, or have another content. */
  readonly changed: readonly string[];
  readonly problems: readonly Problem[];
}

/**
 * Reads the code tables of a folder anew. The old set stays as it was, so that a channel goes on with the tables that it was loaded
 * with until it is deployed anew (rule 6); tables that did not change are the same objects. Rejects where the folder cannot be read.
 */
export async function reloadTables(directory: string, csv: CsvReader, before: TableSet): Promise<ReloadedTables> {
  const read = await loadTables(directory, csv, before);
  if (!read.ok) return { tables: before, changed: [], problems: read.problems };
  const tables = new Map(read.value);
  const changed = [...before.keys()].filter((name) => !tables.has(name));
  for (const [name, table] of read.value) {
    const old = before.get(name);
    if (old?.hash === table.hash && old.file === table.file) tables.set(name, old);
    else changed.push(name);
  }
  return { tables: changed.length > 0 ? tables : before, changed, problems: [] };
}
