import type { Problem } from '../config/problem.ts';
import type { CsvReader } from './csv-table.ts';
import { loadTables, noTables, type TableSet } from './table-set.ts';

/** What a reload found. With problems the tables in force are the old ones. */
export interface TablesReport {
  /** Tables whose content is new or another; channels that use one have a new version. */
  readonly changed: readonly string[];
  readonly removed: readonly string[];
  readonly problems: readonly Problem[];
}

/**
 * The code tables of a hub, read anew while it runs. A reload gives a new set and leaves the old one alone, so that a channel goes
 * on with the tables it was compiled with until it is deployed anew (rule 6); tables that did not change are the same objects.
 */
export class LiveTables {
  readonly #directory: string;
  readonly #csv: CsvReader;
  #current: TableSet = noTables;
  #last: Promise<unknown> = Promise.resolve();

  constructor(directory: string, csv: CsvReader) {
    this.#directory = directory;
    this.#csv = csv;
  }

  /** The tables as they were when `reload` last found no problem; none before. */
  get current(): TableSet {
    return this.#current;
  }

  /** Reads the folder. Two calls go one after the other. Rejects only where the folder itself cannot be read. */
  reload(): Promise<TablesReport> {
    const run = this.#last.then(() => this.#reload());
    this.#last = run.catch(() => undefined);
    return run;
  }

  async #reload(): Promise<TablesReport> {
    const read = await loadTables(this.#directory, this.#csv);
    if (!read.ok) return { changed: [], removed: [], problems: read.problems };
    const before = this.#current;
    const changed: string[] = [];
    const next = new Map(read.value);
    for (const [name, table] of read.value) {
      const old = before.get(name);
      if (old?.hash === table.hash && old.file === table.file) next.set(name, old);
      else changed.push(name);
    }
    const removed = [...before.keys()].filter((name) => !next.has(name));
    if (changed.length > 0 || removed.length > 0) this.#current = next;
    return { changed, removed, problems: [] };
  }
}
