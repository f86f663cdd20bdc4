import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type LoadedChannel, loadChannels } from '../../../core/config/channels-folder.ts';
import { createCodeLoader } from '../../../core/config/code-loader.ts';
import type { Problem } from '../../../core/config/problem.ts';
import type { Registry } from '../../../core/config/registry.ts';
import { shownPath } from '../../../core/config/shown-path.ts';
import type { YamlFile } from '../../../core/config/yaml-file.ts';
import type { CsvReader } from '../../../core/tables/csv-table.ts';
import { loadTables, noTables, type TableSet } from '../../../core/tables/table-set.ts';
import { UnknownCodes } from '../../../core/tables/unknown-codes.ts';
import { COMMA_SEPARATED } from '../../../protocols/delimited/dialect.ts';
import { readDelimited } from '../../../protocols/delimited/read.ts';
import { shippedRegistry } from '../../registry.ts';
import { nearestSettings, readOrNothing, readSettings, type Settings } from '../../settings.ts';
import { installation, weirVersion } from '../../version.ts';
import { CommandFailure, exit } from '../exit.ts';
import { type OfflineEnvironment, readOfflineEnvironment } from './environment.ts';

/** What every command takes that reads a channels folder without a hub. */
export interface FolderOptions {
  readonly config?: string;
  readonly channels?: string;
  readonly env?: string;
  readonly json?: boolean;
}

/** A channels folder as it was read, with everything that is wrong with it. */
export interface OfflineFolder {
  readonly settings: Settings;
  /** Absolute. */
  readonly directory: string;
  readonly registry: Registry;
  readonly environment: OfflineEnvironment;
  readonly tables: TableSet;
  readonly channels: readonly LoadedChannel[];
  /** Of channels, maps and tables, then of the environment; not sorted. */
  readonly problems: readonly Problem[];
  /** Of these only: the one that was asked for, where the path was that of a file. */
  readonly only: string | undefined;
}

const csv: CsvReader = (text) => readDelimited(text, COMMA_SEPARATED);

/**
 * Reads the folder that a path means: a channels folder, a folder with a `weir.yaml`, or one channel file; without one, what the
 * settings say. Throws CommandFailure where there is no such thing.
 * @param endpoints whether a channel that names one which the environment does not have is wrong: most commands need none
 * @param read sees the file of each YAML channel that is right, which is not kept
 */
export async function openFolder(
  options: FolderOptions,
  path?: string,
  endpoints: 'checked' | 'unchecked' = 'unchecked',
  read?: (yaml: YamlFile, text: string) => void,
): Promise<OfflineFolder> {
  const { settings, only } = settingsFor(options, path);
  const directory = settings.channels;
  const registry = shippedRegistry();
  const environment = await readOfflineEnvironment(settings);
  const tables = await loadTables(join(directory, 'tables'), csv);
  const inForce = tables.ok ? tables.value : noTables;
  using code = await createCodeLoader({ directory, entry: fileURLToPath(new URL('index.ts', installation)) });
  const { channels, problems } = await loadChannels({
    directory,
    registry,
    code: await code.snapshot(),
    weirVersion,
    tables: inForce,
    unknown: new UnknownCodes(),
    ...(read && { onRead: read }),
    references: { environment: process.env, readFile: readOrNothing, stateDir: settings.stateDir },
    ...(endpoints === 'checked' && environment.names && { endpoints: environment.names }),
    ...(environment.zone !== undefined && { zone: environment.zone }),
  });
  const all = [...(tables.ok ? [] : tables.problems), ...problems];
  return { settings, directory, registry, environment, tables: inForce, channels, problems: all, only };
}

function settingsFor(
  options: FolderOptions,
  path: string | undefined,
): { settings: Settings; only?: string | undefined } {
  const { config, channels, env: environment } = options;
  const read = (more: { config?: string | undefined; channels?: string | undefined }) => {
    const settings = readSettings({ config, channels, environment, ...more });
    if (!existsSync(settings.channels) || !statSync(settings.channels).isDirectory())
      throw new CommandFailure(exit.failed, `${shownPath(settings.channels)}: there is no such folder`);
    return settings;
  };
  if (path === undefined) {
    if (isShipped({ config, channels })) process.stderr.write(`weir: ${shippedOnly}\n`);
    return { settings: read({}) };
  }
  if (!existsSync(path)) {
    const settings = read({});
    const file = ['yaml', 'ts'].map((end) => join(settings.channels, `${path}.channel.${end}`)).find(existsSync);
    if (file !== undefined && basename(path) === path) return { settings, only: file };
    throw new CommandFailure(exit.failed, `${path}: there is no such file, folder or channel`);
  }
  if (statSync(path).isDirectory()) {
    const own = join(path, 'weir.yaml');
    return { settings: existsSync(own) && config === undefined ? read({ config: own }) : read({ channels: path }) };
  }
  const file = resolve(path);
  return { settings: read({ channels: folderOf(file) }), only: file };
}

const shippedOnly = 'there is no weir.yaml here or above, so these are the channels that Weir comes with';

/** Whether what is meant are the shipped channels, for no other reason than that nothing else is said, and from outside of them. */
export function isShipped({
  config,
  channels,
}: {
  readonly config?: string | undefined;
  readonly channels?: string | undefined;
}): boolean {
  const outside = relative(fileURLToPath(installation), process.cwd()).startsWith('..');
  return config === undefined && channels === undefined && outside && nearestSettings() === undefined;
}

/** The folder that a channel file belongs to: the nearest above it with environments, else its own. */
function folderOf(file: string): string {
  for (let folder = dirname(file); dirname(folder) !== folder; folder = dirname(folder))
    if (existsSync(join(folder, 'env'))) return folder;
  return dirname(file);
}

/** The channel of that name, or of that file. Throws CommandFailure, with what is wrong where it cannot be loaded. */
export function channelNamed(folder: OfflineFolder, name: string): LoadedChannel {
  const { channels, directory } = folder;
  const found = channels.find(
    ({ definition, file }) => definition.name === name || resolve(name) === join(directory, file),
  );
  if (found) return found;
  const broken = folder.problems.filter(({ file }) => basename(file).startsWith(`${basename(name).split('.')[0]}.`));
  const told = (problems: readonly Problem[]) =>
    problems.map((each) => `\n${each.file}:${each.line}:${each.column} ${each.code} ${each.message}`).join('');
  const known = channels.map(({ definition }) => definition.name);
  throw new CommandFailure(
    exit.notFound,
    broken.length > 0
      ? `the channel ${name} cannot be read:${told(broken)}`
      : `there is no channel ${name}; known: ${known.join(', ') || 'none'}${told(folder.problems.slice(0, 5))}`,
  );
}

/** The text of a file of the folder; empty where it cannot be read. */
export async function textOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}

/** By file, line and column. */
export function inOrder(problems: readonly Problem[]): readonly Problem[] {
  return problems.toSorted((a, b) =>
    a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line || a.column - b.column,
  );
}
