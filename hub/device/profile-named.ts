import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import {
  type DeviceProfile,
  type ProfiledDevice,
  readDeviceProfile,
} from '../../contracts/device-profile/device-profile.ts';
import { loadDeviceProfiles } from '../../core/config/device-profiles.ts';
import { describeProblem, type Problem } from '../../core/config/problem.ts';
import { didYouMean } from '../../core/config/suggestion.ts';
import { YamlFile } from '../../core/config/yaml-file.ts';
import { CommandFailure, exit } from '../cli/exit.ts';
import { readOrNothing } from '../settings.ts';

const ENDING = '.profile.yaml';

/**
 * The profile of a name in `devices/` of the channels folder, or of a file. Throws CommandFailure where there is none, or it has
 * mistakes, with each at its line.
 */
export async function profileNamed(named: string, channels: string): Promise<DeviceProfile> {
  const references = { environment: process.env, readFile: readOrNothing };
  if (named.endsWith(ENDING)) {
    const text = await readFile(named, 'utf8').catch((thrown: NodeJS.ErrnoException) => {
      throw new CommandFailure(exit.notFound, `${named}: it cannot be read (${thrown.code})`);
    });
    const file = new YamlFile(basename(named), text);
    const profile = readDeviceProfile(file, references);
    if (!profile) throw wrong(named, file.problems);
    return profile;
  }
  const set = await loadDeviceProfiles(channels, { deviceProfile: readDeviceProfile }, references);
  const found = set.profiles.get(named)?.profile as DeviceProfile | undefined;
  if (found) return found;
  if (set.names.has(named)) throw wrong(named, set.problems);
  throw new CommandFailure(exit.notFound, `${named}: there is no such profile${didYouMean(named, [...set.names])}`);
}

/** Those of the ids, or all. Throws CommandFailure for one that the profile does not have. */
export function devicesNamed({ name, devices }: DeviceProfile, ids: readonly string[]): readonly ProfiledDevice[] {
  const known = devices.map(({ id }) => id);
  for (const id of ids)
    if (!known.includes(id))
      throw new CommandFailure(exit.notFound, `${name} has no device ${id}${didYouMean(id, known)}`);
  return ids.length === 0 ? devices : devices.filter(({ id }) => ids.includes(id));
}

function wrong(named: string, problems: readonly Problem[]): CommandFailure {
  return new CommandFailure(exit.failed, [`${named} has mistakes:`, ...problems.map(describeProblem)].join('\n'));
}
