import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import type { ChannelDefinition } from '../channel.ts';
import { HubError } from '../errors.ts';
import { type ChannelsContext, filesBeside } from './channel-files.ts';
import { readChannelYaml } from './channel-yaml.ts';
import { checkFolder } from './check-folder.ts';
import { type CodeSnapshot, channelVersion, sha256 } from './code-loader.ts';
import { loadDeviceProfiles, noDeviceProfiles } from './device-profiles.ts';
import type { LoadedChannel, ReadChannel } from './loaded-channel.ts';
import { withDeviceProfiles } from './named-devices.ts';
import { failed, type Loaded, loaded, type Problem } from './problem.ts';
import { loadProfiles } from './profile-file.ts';
import { shownPath } from './shown-path.ts';
import { addProblems, withFileSteps } from './step-files.ts';
import { isMapping, YamlFile } from './yaml-file.ts';

export type { LoadedChannel } from './loaded-channel.ts';

/** Files that are read at the same time: one parses while others wait for the disk. */
const AT_ONCE = 16;

/** Loads every `*.channel.yaml` and `*.channel.ts` of a folder and its subfolders, in the order of their paths. */
export async function loadChannels(
  given: ChannelsContext,
): Promise<{ readonly channels: readonly LoadedChannel[]; readonly problems: readonly Problem[] }> {
  const channels: ReadChannel[] = [];
  const profiles = given.profiles ?? (await loadProfiles(given.directory, given.registry));
  const devices = given.devices ?? (await loadDeviceProfiles(given.directory, given.registry, given.references));
  const context = { ...given, profiles, devices };
  const problems: Problem[] = [...profiles.problems, ...devices.problems];
  const unread = new Set<string>();
  const paths = await channelFiles(context.directory);
  for (let from = 0; from < paths.length; from += AT_ONCE) {
    const batch = paths.slice(from, from + AT_ONCE);
    const reads = await Promise.all(batch.map((path) => readChannelFile(path, context)));
    for (const [index, read] of reads.entries()) {
      if (read.ok) channels.push(read.value);
      else {
        addProblems(problems, read.problems);
        unread.add(basename(batch[index]!).replace(/\.channel\.(?:ts|ya?ml)$/, ''));
        if (read.name !== undefined) unread.add(read.name);
      }
    }
  }
  problems.push(...checkFolder(channels, unread));
  return { channels: channels.map(({ definition, version, file }) => ({ definition, version, file })), problems };
}

/** Loads one channel file, by its ending. */
export async function loadChannelFile(path: string, context: ChannelsContext): Promise<Loaded<LoadedChannel>> {
  return readChannelFile(path, context);
}

/** Of a file with mistakes the name, where it can be read. */
type Read = Loaded<ReadChannel> & { readonly name?: string };

async function readChannelFile(path: string, context: ChannelsContext): Promise<Read> {
  const file = relative(context.directory, path).replaceAll(sep, '/');
  if (path.endsWith('.ts')) return loadTypeScript(path, file, context);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (thrown) {
    return failed(problem(shownPath(path), 'file-unreadable', reason(thrown)));
  }
  const kept = await context.kept?.same(path, text, context);
  if (kept) return loaded(kept);
  const used = new Map([[file, sha256(text)]]);
  const files = filesBeside(path, context, used);
  const yaml = new YamlFile(shownPath(path), text);
  const read = await readChannelYaml({ ...context, file: yaml, files });
  if (read.ok) {
    const { definition, unknown } = withDeviceProfiles(read.value, context.devices ?? noDeviceProfiles, used);
    for (const { place, message } of unknown) yaml.problem(place, 'profile-unknown', message);
    const [first, ...others] = yaml.problems;
    if (first) return { ...failed(first, ...others), name: definition.name };
    const version = channelVersion(context.weirVersion, used);
    context.onRead?.(yaml, text);
    const channel: ReadChannel = {
      ...{ definition, version, file, path },
      get yaml() {
        return new YamlFile(shownPath(path), text);
      },
    };
    context.kept?.keep(channel, text, used, context);
    return loaded(channel);
  }
  const name = isMapping(yaml.value) ? yaml.value.channel : undefined;
  return typeof name === 'string' ? { ...read, name } : read;
}

async function loadTypeScript(path: string, file: string, context: ChannelsContext): Promise<Read> {
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
      problem(shownPath(path), 'value-invalid', 'its default export is no channel: `export default defineChannel(…)…`'),
    );
  }
  const read = definition as unknown as ChannelDefinition;
  if (read.destinations.length === 0)
    return failed(problem(shownPath(path), 'key-missing', 'the channel has no destination'));
  const unknown = unknownEndpoint(read, context.endpoints);
  if (unknown) return failed(problem(shownPath(path), 'endpoint-unknown', unknown));
  const used = new Map(code.files);
  const whole = await withFileSteps(read, filesBeside(path, context, used), shownPath(path));
  if (!whole.ok) return whole;
  const known = withDeviceProfiles(whole.value, context.devices ?? noDeviceProfiles, used);
  const [missing] = known.unknown;
  if (missing) return failed(problem(shownPath(path), 'profile-unknown', missing.message));
  return loaded({ definition: known.definition, version: channelVersion(context.weirVersion, used), file, path });
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
    return problem(shownPath(file), code, reason(thrown), Number(line), Number(column ?? 1));
  }
  return problem(shownPath(path), code, reason(thrown));
}

/** The first line of an error's text, without the tag that module URLs carry. */
function reason(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return text.split('\n', 1)[0]!.replace(/\?v=[0-9a-f]+/g, '');
}
