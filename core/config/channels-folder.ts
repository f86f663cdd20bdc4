import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import type { ChannelDefinition } from '../channel.ts';
import { HubError } from '../errors.ts';
import { readChannelYaml } from './channel-yaml.ts';
import { type CodeSnapshot, channelVersion, sha256 } from './code-loader.ts';
import { failed, type Loaded, loaded, type Problem } from './problem.ts';
import type { Registry } from './registry.ts';
import { isMapping, YamlFile } from './yaml-file.ts';

export interface LoadedChannel {
  readonly definition: ChannelDefinition;
  readonly version: string;
  /** From the folder. */
  readonly file: string;
}

export interface ChannelsContext {
  /** Absolute. */
  readonly directory: string;
  readonly registry: Registry;
  readonly code: CodeSnapshot;
  /** Weir's own version: part of every channel's. */
  readonly weirVersion: string;
  /** Names of the environment's endpoints; unchecked when not given. */
  readonly endpoints?: ReadonlySet<string>;
}

/** Loads every `*.channel.yaml` and `*.channel.ts` of a folder and its subfolders, in the order of their paths. */
export async function loadChannels(
  context: ChannelsContext,
): Promise<{ readonly channels: readonly LoadedChannel[]; readonly problems: readonly Problem[] }> {
  const channels: LoadedChannel[] = [];
  const problems: Problem[] = [];
  const files = new Map<string, string>();
  for (const path of await channelFiles(context.directory)) {
    const read = await loadChannelFile(path, context);
    if (!read.ok) {
      problems.push(...read.problems);
      continue;
    }
    const { name } = read.value.definition;
    const other = files.get(name);
    if (other) problems.push(problem(shown(path), 'name-taken', `the channel ${name} is defined in ${other} too`));
    else channels.push(read.value);
    files.set(name, shown(path));
  }
  return { channels, problems };
}

/** Loads one channel file, by its ending. */
export async function loadChannelFile(path: string, context: ChannelsContext): Promise<Loaded<LoadedChannel>> {
  const file = relative(context.directory, path).replaceAll(sep, '/');
  if (path.endsWith('.ts')) return loadTypeScript(path, file, context);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (thrown) {
    return failed(problem(shown(path), 'file-unreadable', reason(thrown)));
  }
  const used = new Map([[file, sha256(text)]]);
  const script = async (from: string) => {
    const { exports, files } = await context.code.load(resolve(dirname(path), from));
    for (const [name, hash] of files) used.set(name, hash);
    return exports;
  };
  const read = await readChannelYaml({ ...context, file: new YamlFile(shown(path), text), script });
  if (!read.ok) return read;
  return loaded({ definition: read.value, version: channelVersion(context.weirVersion, used), file });
}

async function loadTypeScript(path: string, file: string, context: ChannelsContext): Promise<Loaded<LoadedChannel>> {
  let code: Awaited<ReturnType<CodeSnapshot['load']>>;
  try {
    code = await context.code.load(path);
  } catch (thrown) {
    return failed(thrownProblem(path, thrown, context.directory));
  }
  const channel = code.exports.default;
  const definition = isMapping(channel) ? channel.definition : undefined;
  if (!isMapping(definition)) {
    return failed(
      problem(shown(path), 'value-invalid', 'its default export is no channel: `export default defineChannel(…)…`'),
    );
  }
  const read = definition as unknown as ChannelDefinition;
  if (read.destinations.length === 0)
    return failed(problem(shown(path), 'key-missing', 'the channel has no destination'));
  const unknown = unknownEndpoint(read, context.endpoints);
  if (unknown) return failed(problem(shown(path), 'endpoint-unknown', unknown));
  return loaded({ definition: read, version: channelVersion(context.weirVersion, code.files), file });
}

function unknownEndpoint(
  { source, destinations }: ChannelDefinition,
  endpoints: ReadonlySet<string> | undefined,
): string | undefined {
  for (const { type, config } of [source, ...destinations.map(({ to }) => to)]) {
    const name = isMapping(config) ? config.endpoint : undefined;
    if (typeof name === 'string' && endpoints && !endpoints.has(name))
      return `${type}: the environment has no endpoint ${name}`;
  }
  return undefined;
}

async function channelFiles(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const files: string[] = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.name === 'node_modules' || entry.name.startsWith('.')) continue;
    const path = join(directory, entry.name);
    if (entry.isDirectory()) files.push(...(await channelFiles(path)));
    else if (/\.channel\.(?:ts|ya?ml)$/.test(entry.name)) files.push(path);
  }
  return files;
}

/** As somebody would type it: from the current directory where the file is below it. */
function shown(path: string): string {
  const from = relative(process.cwd(), path);
  return from.startsWith('..') ? path : from;
}

function problem(file: string, code: Problem['code'], message: string, line = 1, column = 1): Problem {
  return { file, line, column, code, message };
}

/** What a module threw, at the place of its code where it did. */
function thrownProblem(path: string, thrown: unknown, directory: string): Problem {
  const stack = thrown instanceof Error ? (thrown.stack ?? '') : '';
  const code = thrown instanceof HubError ? 'wiring-invalid' : 'code-failed';
  for (const [, found, line, column] of stack.matchAll(
    /(?:file:\/\/)?(\/[^\s()?:]+)(?:\?v=[0-9a-f]+)?:(\d+)(?::(\d+))?/g,
  )) {
    const file = decodeURI(found ?? '');
    if (!file.startsWith(directory) || !existsSync(file)) continue;
    return problem(shown(file), code, reason(thrown), Number(line), Number(column ?? 1));
  }
  return problem(shown(path), code, reason(thrown));
}

/** The first line of an error's text, without the tag that module URLs carry. */
function reason(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return text.split('\n', 1)[0]!.replace(/\?v=[0-9a-f]+/g, '');
}
