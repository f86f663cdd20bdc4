import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { HubError } from '../errors.ts';
import { merged } from '../merged.ts';
import type { SenderProfile } from '../profile.ts';
import { sha256 } from './code-loader.ts';
import type { Problem } from './problem.ts';
import { type ProfileFormat, profileFileKeys } from './profile-format.ts';
import type { Registry } from './registry.ts';
import { shownPath } from './shown-path.ts';
import { didYouMean } from './suggestion.ts';
import { dotted, isMapping, YamlFile } from './yaml-file.ts';

export interface LoadedProfile {
  readonly profile: SenderProfile;
  /** Of all the files that it comes from: part of the version of every channel that uses it. */
  readonly hash: string;
}

/** The sender profiles of a channels folder. */
export interface ProfileSet {
  readonly profiles: ReadonlyMap<string, LoadedProfile>;
  /** Of every file, also of those with problems: what channels may name. */
  readonly names: ReadonlySet<string>;
  readonly problems: readonly Problem[];
}

export const noProfiles: ProfileSet = { profiles: new Map(), names: new Set(), problems: [] };

const ENDING = '.profile.yaml';

interface ProfileFile {
  readonly file: YamlFile;
  readonly hash: string;
  readonly parent: string | undefined;
  readonly content: Readonly<Record<string, unknown>>;
  readonly source: SenderProfile['source'];
}

/** Loads every `profiles/<name>.profile.yaml` of a channels folder; a folder that is not there has none. */
export async function loadProfiles(directory: string, registry: Registry): Promise<ProfileSet> {
  const format = registry.profiles;
  const files = new Map<string, ProfileFile>();
  const problems: Problem[] = [];
  const folder = join(directory, 'profiles');
  const names = (await namesIn(folder)).map((each) => basename(each, ENDING));
  if (!format) return noProfiles;
  for (const name of names) {
    const path = join(folder, name + ENDING);
    const text = await readFile(path, 'utf8');
    const file = new YamlFile(shownPath(path), text);
    const read = file.problems.length === 0 ? readFileOf(file, name, format, registry, new Set(names)) : undefined;
    problems.push(...file.problems.toSorted((a, b) => a.line - b.line || a.column - b.column));
    if (read && file.problems.length === 0) files.set(name, { file, hash: sha256(text), ...read });
  }
  const profiles = new Map<string, LoadedProfile>();
  for (const [name, { file }] of files) {
    const chain = chainOf(name, files);
    if (chain === 'circular') file.problem(['extends'], 'value-invalid', `extends: ${name} would extend itself`);
    else if (chain) profiles.set(name, profileOf(name, chain, format));
    problems.push(...file.problems);
  }
  return { profiles, names: new Set(names), problems };
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter((name) => name.endsWith(ENDING)).sort();
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw thrown;
  }
}

function readFileOf(
  file: YamlFile,
  name: string,
  format: ProfileFormat,
  registry: Registry,
  names: ReadonlySet<string>,
): Omit<ProfileFile, 'file' | 'hash'> | undefined {
  const value = isMapping(file.value) ? file.value : {};
  const { profile, extends: parent, source, ...own } = value;
  const top = file.read(profileFileKeys, [], {
    profile,
    ...(parent !== undefined && { extends: parent }),
    ...(source !== undefined && { source }),
  });
  const unknown = Object.keys(own).filter((key) => !Object.hasOwn(format.keys.shape, key));
  const known = [...Object.keys(profileFileKeys.shape), ...Object.keys(format.keys.shape)];
  for (const key of unknown) file.keyProblem([key], 'key-unknown', `${key}: no such key${didYouMean(key, known)}`);
  const content = format.read(file, Object.fromEntries(Object.entries(own).filter(([key]) => !unknown.includes(key))));
  if (top && top.profile !== name)
    file.problem(
      ['profile'],
      'value-invalid',
      `profile: the file is called ${name}${ENDING}, the profile ${top.profile}`,
    );
  if (top?.extends !== undefined && !names.has(top.extends))
    file.problem(
      ['extends'],
      'profile-unknown',
      `extends: there is no profile ${top.extends}${didYouMean(top.extends, names)}`,
    );
  if (top?.source) checkSource(file, top.source, registry);
  return top && content && { parent: top.extends, content, source: top.source ?? {} };
}

/** Each adapter's own keys are read by its schema; what only the channel can say may be missing. */
function checkSource(file: YamlFile, source: SenderProfile['source'], { adapters }: Registry): void {
  for (const [type, defaults] of Object.entries(source)) {
    const place = ['source', type];
    const adapter = adapters.get(type);
    if (!adapter) {
      file.keyProblem(
        place,
        'component-unknown',
        `${dotted(place)}: no such source${didYouMean(type, adapters.keys())}`,
      );
      continue;
    }
    file.read(
      adapter.config,
      place,
      defaults,
      {},
      ({ code, path }) => code === 'unrecognized_keys' || valueAt(defaults, path) !== undefined,
    );
  }
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  if (path.length === 0) return undefined;
  return path.reduce<unknown>((inside, step) => (isMapping(inside) ? inside[String(step)] : undefined), value);
}

/** The profile and those that it extends, the last of them first; undefined where one of them has problems. */
function chainOf(
  name: string,
  files: ReadonlyMap<string, ProfileFile>,
): readonly ProfileFile[] | 'circular' | undefined {
  const chain: ProfileFile[] = [];
  for (let at: string | undefined = name; at !== undefined; ) {
    const file = files.get(at);
    if (!file) return undefined;
    if (chain.includes(file)) return 'circular';
    chain.unshift(file);
    at = file.parent;
  }
  return chain;
}

function profileOf(name: string, chain: readonly ProfileFile[], format: ProfileFormat): LoadedProfile {
  const content = chain.reduce<unknown>((all, each) => merged(all, each.content), {});
  const source = chain.reduce<unknown>((all, each) => merged(all, each.source), {});
  return {
    profile: format.create(name, content as ProfileFile['content'], source as SenderProfile['source']),
    hash: sha256(chain.map(({ hash }) => hash).join(' ')),
  };
}

/** The profile of that name. Throws HubError `config-invalid` with what was probably meant. */
export function profileNamed(set: ProfileSet, name: string): LoadedProfile | undefined {
  const found = set.profiles.get(name);
  if (found || set.names.has(name)) return found;
  throw new HubError('config-invalid', 'permanent', `there is no profile ${name}${didYouMean(name, set.names)}`);
}
