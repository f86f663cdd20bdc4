import type { ChannelDefinition } from '../channel.ts';
import type { NamedDevices } from '../device-profile.ts';
import type { DeviceProfileSet } from './device-profiles.ts';
import { didYouMean } from './suggestion.ts';
import { dotted, isMapping, type Place } from './yaml-file.ts';

/** What is wrong at a place of a channel. */
export interface UnknownDevices {
  readonly place: Place;
  readonly message: string;
}

/**
 * The channel with the device profiles that its source and its destinations name, so that what runs has those of its version. Each is
 * part of that version: its hash is added to `used`. A profile with mistakes is left out: its problems are told where they are.
 */
export function withDeviceProfiles(
  definition: ChannelDefinition,
  set: DeviceProfileSet,
  used: Map<string, string>,
): { readonly definition: ChannelDefinition; readonly unknown: readonly UnknownDevices[] } {
  const { source, destinations } = definition;
  const named = [
    ...(source.deviceProfiles ?? []).map((name) => ({ name, spec: source, place: ['source', source.type] })),
    ...destinations.flatMap(({ name: destination, to }) =>
      (to.deviceProfiles ?? []).map((name) => ({
        name,
        spec: to,
        place: ['destinations', destination, 'to', to.type],
      })),
    ),
  ];
  if (named.length === 0) return { definition, unknown: [] };
  const deviceProfiles = new Map<string, NamedDevices>();
  const unknown: UnknownDevices[] = [];
  for (const { name, spec, place } of named) {
    const found = set.profiles.get(name);
    if (found) {
      deviceProfiles.set(name, found.profile);
      used.set(usedName(name), found.hash);
    } else if (!set.names.has(name)) {
      const at = [...place, ...keyOf(spec.config, name)];
      const meant = didYouMean(name, set.names);
      unknown.push({ place: at, message: `${dotted(at)}: there is no device profile ${name}${meant}` });
    }
  }
  return { definition: Object.freeze({ ...definition, deviceProfiles }), unknown };
}

const USED = 'device profile ';

/** What a profile is called among what a channel was read from. */
export function usedName(profile: string): string {
  return USED + profile;
}

/** Of the profile that is called so; undefined for what is none, or is not there any more. */
export function hashOfUsed(what: string, set: DeviceProfileSet | undefined): string | undefined {
  return set?.profiles.get(what.slice(USED.length))?.hash;
}

export function isUsedDevices(what: string): boolean {
  return what.startsWith(USED);
}

/** The key of a configuration that holds the name. */
function keyOf(config: unknown, name: string): readonly string[] {
  if (!isMapping(config)) return [];
  return Object.keys(config)
    .filter((key) => config[key] === name)
    .slice(0, 1);
}
