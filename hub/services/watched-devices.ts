import type { DeviceProfile } from '../../contracts/device-profile/device-profile.ts';
import type { Log } from '../../core/component.ts';
import { loadDeviceProfiles } from '../../core/config/device-profiles.ts';
import { describeProblem } from '../../core/config/problem.ts';
import type { ReferenceSources } from '../../core/config/references.ts';
import type { Registry } from '../../core/config/registry.ts';
import type { WatchedDevices } from '../../services/alarms/watched-alarms.ts';

export interface ProfilesFolder {
  /** The channels folder. */
  readonly directory: string;
  readonly registry: Pick<Registry, 'deviceProfile'>;
  readonly references: ReferenceSources;
}

/** The devices of the profiles in a channels folder; while any profile has a mistake, those before stay. */
export async function readWatchedDevices(
  { directory, registry, references }: ProfilesFolder,
  before: WatchedDevices,
  log: Log,
): Promise<WatchedDevices> {
  const { profiles, problems } = await loadDeviceProfiles(directory, registry, references);
  if (problems.length > 0) {
    log.warn(
      { problems: problems.length },
      `alarms keep the device profiles they have: ${describeProblem(problems[0]!)}`,
    );
    if (before.size > 0) return before;
  }
  // The registry’s reader is that of contracts.
  const read = [...profiles.values()].map(({ profile }) => profile as DeviceProfile);
  return new Map(
    read.flatMap(({ name, devices }) => devices.map((device) => [device.id, { ...device, profile: name }] as const)),
  );
}
