import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { NamedDevices } from '../device-profile.ts';
import { sha256 } from './code-loader.ts';
import type { Problem } from './problem.ts';
import type { ReferenceSources } from './references.ts';
import type { Registry } from './registry.ts';
import { shownPath } from './shown-path.ts';
import { YamlFile } from './yaml-file.ts';

/** The device profiles of a channels folder. */
export interface DeviceProfileSet {
  /** By name, with a hash of all that the profile says, references included. */
  readonly profiles: ReadonlyMap<string, { readonly profile: NamedDevices; readonly hash: string }>;
  /** Of every file, also of those with problems: what channels may name. */
  readonly names: ReadonlySet<string>;
  readonly problems: readonly Problem[];
}

export const noDeviceProfiles: DeviceProfileSet = { profiles: new Map(), names: new Set(), problems: [] };

const ENDING = '.profile.yaml';
const nowhere: ReferenceSources = { environment: {}, readFile: () => undefined };

/**
 * Loads every `devices/<name>.profile.yaml` of a channels folder; a folder that is not there has none. Of a profile with a mistake
 * there is nothing but its problems.
 */
export async function loadDeviceProfiles(
  directory: string,
  { deviceProfile }: Pick<Registry, 'deviceProfile'>,
  references: ReferenceSources = nowhere,
): Promise<DeviceProfileSet> {
  const profiles = new Map<string, { profile: NamedDevices; hash: string }>();
  const problems: Problem[] = [];
  if (!deviceProfile) return noDeviceProfiles;
  const owners = new Map<string, string>();
  const folder = join(directory, 'devices');
  const entries = await profilesIn(folder);
  for (const entry of entries) {
    const file = new YamlFile(shownPath(join(folder, entry)), await readFile(join(folder, entry), 'utf8'));
    const profile = deviceProfile(file, references);
    if (profile) checkNames(profile, basename(entry, ENDING), file, owners);
    problems.push(...file.problems.toSorted((a, b) => a.line - b.line || a.column - b.column));
    if (profile && file.problems.length === 0)
      profiles.set(profile.name, { profile, hash: sha256(JSON.stringify(profile)) });
  }
  return { profiles, names: new Set(entries.map((entry) => basename(entry, ENDING))), problems };
}

function checkNames(
  { name, devices }: NamedDevices,
  expected: string,
  file: YamlFile,
  owners: Map<string, string>,
): void {
  if (name !== expected)
    file.problem(['profile'], 'value-invalid', `profile: the file is called ${expected}${ENDING}, the profile ${name}`);
  for (const [index, { id }] of devices.entries()) {
    const owner = owners.get(id);
    if (owner !== undefined)
      file.problem(['devices', index, 'id'], 'name-taken', `devices.${index}.id: ${id} is in profile ${owner}, too`);
    else owners.set(id, name);
  }
}

async function profilesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter((name) => name.endsWith(ENDING)).sort();
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw thrown;
  }
}
