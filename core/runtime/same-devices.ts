import { isDeepStrictEqual } from 'node:util';
import type { ChannelDefinition } from '../channel.ts';

/** Whether a component finds the same device profiles in another definition of its channel: else it has to begin anew. */
export function sameDevices(
  { deviceProfiles: names = [] }: { readonly deviceProfiles?: readonly string[] },
  before: Pick<ChannelDefinition, 'deviceProfiles'>,
  after: Pick<ChannelDefinition, 'deviceProfiles'>,
): boolean {
  return names.every((name) => isDeepStrictEqual(before.deviceProfiles?.get(name), after.deviceProfiles?.get(name)));
}
