import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Log } from '../core/component.ts';
import { describeProblem, type Problem } from '../core/config/problem.ts';
import { describeThrown, type ErrorRecord } from '../core/errors.ts';
import type { TableSet } from '../core/tables/table-set.ts';

/** What a look at changed code tables came to. */
export interface TablesReload {
  /** In force from now on, with their versions; those that are gone have none. */
  readonly changed: readonly { readonly table: string; readonly version?: string }[];
  /** Why nothing of it is in force; none where all is well. */
  readonly problems: readonly Problem[];
  /** Channels that the engine would not take with them: those go on with the tables before. */
  readonly refused?: readonly { readonly channel: string; readonly error: ErrorRecord }[];
}

export function versionsOf(names: readonly string[], tables: TableSet): TablesReload['changed'] {
  return names.map((table) => {
    const version = tables.get(table)?.version;
    return version === undefined ? { table } : { table, version };
  });
}

export interface TablesWatchOptions {
  /** Of the tables. */
  readonly directory: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Reads and checks the tables, and puts them in force where nothing is wrong. */
  reload(): Promise<TablesReload>;
}

const everyMs = 1_000;

/**
 * Puts code tables in force when their files change. It looks at times and sizes every second, as network drives tell nobody of a
 * change, and reads once two looks in a row saw the same: a file that is still being written is left alone.
 */
export class TablesWatch implements AsyncDisposable {
  readonly #options: TablesWatchOptions;
  #seen = '';
  #read: string | undefined;
  #told = '';
  #cancel: (() => void) | undefined;
  #looking: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: TablesWatchOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#stopped) return;
    this.#cancel = this.#options.clock.timer(everyMs, () => {
      this.#looking = this.#look().finally(() => this.start());
    });
  }

  /** Resolves when no reload is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    this.#cancel?.();
    await this.#looking;
  }

  async #look(): Promise<void> {
    const { directory, log } = this.#options;
    try {
      const seen = await signature(directory);
      const settled = seen === this.#seen;
      this.#seen = seen;
      if (!settled || seen === this.#read) return;
      const { changed, problems, refused = [] } = await this.#options.reload();
      this.#read = seen;
      this.#tell(problems.map(describeProblem).join('\n'), { problems: problems.map(describeProblem) });
      for (const { channel, error } of refused)
        log.error({ channel, code: error.code }, `a channel goes on with the code tables before: ${error.message}`);
      for (const { table, version } of changed)
        log.info({ table, version }, version === undefined ? 'a code table is gone' : 'a code table is in force');
    } catch (thrown) {
      const error = describeThrown(thrown);
      this.#tell(error, { error });
    }
  }

  /** What is wrong is logged once. */
  #tell(wrong: string, fields: Readonly<Record<string, unknown>>): void {
    if (wrong === this.#told) return;
    this.#told = wrong;
    if (wrong !== '') this.#options.log.warn(fields, 'changed code tables were refused; those before stay in force');
  }
}

/** Changes when a file of the folder does; empty where there is no folder. */
async function signature(directory: string): Promise<string> {
  let names: readonly string[];
  try {
    names = (await readdir(directory, { recursive: true })).sort();
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw thrown;
  }
  const files = names.filter((name) => name.endsWith('.csv') || name.endsWith('.yaml'));
  const stats = await Promise.all(files.map((name) => stat(join(directory, name)).catch(() => undefined)));
  return files.map((name, at) => `${name} ${stats[at]?.ino} ${stats[at]?.ctimeMs} ${stats[at]?.size}`).join('\n');
}
