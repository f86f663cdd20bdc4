import type { ComponentContext } from '../../core/component.ts';
import { didYouMean } from '../../core/config/suggestion.ts';
import { HubError } from '../../core/errors.ts';
import type { DeviceProfile, ProfiledDevice } from './device-profile.ts';
import type { ContentKind, ContentOf } from './keys.ts';

/** A device of a profile whose devices all speak in one of these ways. */
export interface DeviceOf<K extends ContentKind> extends ProfiledDevice {
  readonly content: ContentOf<K>;
}

/**
 * The profile that a source or a destination names, and those of its devices that it is for: all of them where `wanted` is absent.
 * Throws HubError `config-invalid` where there is no such profile, it is of devices that speak in another way, or has no such device.
 */
export function devicesInUse<K extends ContentKind>(
  context: Pick<ComponentContext, 'channel' | 'deviceProfile'>,
  name: string,
  kinds: readonly K[],
  wanted?: readonly string[],
): { readonly profile: DeviceProfile; readonly devices: readonly DeviceOf<K>[] } {
  const invalid = (what: string) =>
    new HubError('config-invalid', 'permanent', `starting ${context.channel}: device profile ${name} ${what}`);
  // What the hub's registry reads device profiles with is `readDeviceProfile`; the core knows less of them.
  const profile = context.deviceProfile(name) as DeviceProfile;
  const isOfKind = (device: ProfiledDevice): device is DeviceOf<K> =>
    (kinds as readonly ContentKind[]).includes(device.content.kind);
  const all = profile.devices.filter(isOfKind);
  if (all.length < profile.devices.length)
    throw invalid(`is of ${profile.transport} devices, not ${kinds.join(' or ')}`);
  if (!wanted) return { profile, devices: all };
  const ids = new Set(all.map(({ id }) => id));
  for (const id of wanted) if (!ids.has(id)) throw invalid(`has no device ${id}${didYouMean(id, ids)}`);
  return { profile, devices: all.filter(({ id }) => wanted.includes(id)) };
}
