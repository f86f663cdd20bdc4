import type { ComponentContext, ConnectionState } from '../component.ts';
import type { NamedDevices } from '../device-profile.ts';
import type { Endpoint, EndpointKind, EndpointOf } from '../endpoint.ts';
import { HubError } from '../errors.ts';

/** An endpoint of the environment, where it is there and of that kind. Throws HubError `config-invalid`. */
export function endpointOf<K extends EndpointKind>(
  channel: string,
  kind: K,
  name: string,
  found: Endpoint | undefined,
): EndpointOf<K> {
  const invalid = (what: string) => new HubError('config-invalid', 'permanent', `starting ${channel}: ${what}`);
  if (!found) throw invalid(`the environment has no endpoint ${name}`);
  if (found.kind !== kind) throw invalid(`endpoint ${name} is ${found.kind}, not ${kind}`);
  // The kind was compared just above; TypeScript can't follow it into the mapped type.
  return found as unknown as EndpointOf<K>;
}

/** What every component of a channel gets, whatever it is. */
export function componentContext(
  channel: string,
  services: Pick<ComponentContext, 'clock' | 'random' | 'log' | 'count'> & {
    endpoint(name: string): Endpoint | undefined;
    deviceProfile?(name: string): NamedDevices | undefined;
  },
  report: (state: ConnectionState, connections?: number) => void,
): ComponentContext {
  const { clock, random, log, count } = services;
  return {
    channel,
    endpoint: <K extends EndpointKind>(kind: K, name: string) =>
      endpointOf(channel, kind, name, services.endpoint(name)),
    deviceProfile: (name) => {
      const found = services.deviceProfile?.(name);
      if (found) return found;
      throw new HubError('config-invalid', 'permanent', `starting ${channel}: it has no device profile ${name}`);
    },
    clock,
    random,
    log,
    report,
    count,
  };
}
