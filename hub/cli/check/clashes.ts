import type { LoadedChannel } from '../../../core/config/channels-folder.ts';
import type { Problem } from '../../../core/config/problem.ts';
import type { EndpointOf } from '../../../core/endpoint.ts';
import { sourceOf } from '../offline/channel-source.ts';
import type { OfflineFolder } from '../offline/folder.ts';
import { usedEndpoints } from './used-endpoints.ts';

interface Listener {
  readonly name: string;
  readonly endpoint: EndpointOf<'tcp-listen'>;
  readonly channel: string;
}

/** What two channels cannot both have: a listening endpoint, or a port under two names. */
export function clashes(folder: OfflineFolder): readonly Problem[] {
  return [...sharedResources(folder), ...sharedPorts(folder)];
}

function sharedResources({ channels, directory, environment }: OfflineFolder): readonly Problem[] {
  const owners = new Map<string, LoadedChannel>();
  return channels.flatMap((channel) =>
    channel.definition.source.resources.flatMap((resource) => {
      const owner = owners.get(resource);
      owners.set(resource, owner ?? channel);
      if (!owner) return [];
      const name = resource.replace(/^endpoint:/, '');
      const port =
        environment.endpoints[name]?.kind === 'tcp-listen' ? ` (port ${environment.endpoints[name].listen})` : '';
      const source = sourceOf(directory, channel);
      const message = `source: ${name}${port} belongs to the channel ${owner.definition.name} already (${owner.file})`;
      return [source.problem('name-taken', message, ['source', channel.definition.source.type, 'endpoint'], name)];
    }),
  );
}

function sharedPorts(folder: OfflineFolder): readonly Problem[] {
  const { channels, environment, settings } = folder;
  const { file } = environment;
  const listeners = new Map<string, Listener>();
  for (const channel of channels) {
    for (const { name } of usedEndpoints(channel, folder)) {
      const endpoint = Object.hasOwn(environment.endpoints, name) ? environment.endpoints[name] : undefined;
      if (endpoint?.kind === 'tcp-listen' && !listeners.has(name))
        listeners.set(name, { name, endpoint, channel: channel.definition.name });
    }
  }
  const problem = (name: string, message: string): Problem => ({
    ...{ file, code: 'name-taken', message: `endpoints.${name}.listen: ${message}` },
    ...environment.written().position(['endpoints', name, 'listen']),
  });
  const all = [...listeners.values()];
  return all.flatMap((one, at) => {
    const { endpoint, name } = one;
    if (endpoint.listen === 0) return [];
    if (endpoint.listen === settings.admin.port && overlap(endpoint.host, settings.admin.host))
      return [problem(name, `port ${endpoint.listen} is that of the admin API`)];
    const other = all
      .slice(0, at)
      .find((each) => each.endpoint.listen === endpoint.listen && overlap(each.endpoint.host, endpoint.host));
    if (!other) return [];
    return [
      problem(
        name,
        `port ${endpoint.listen} is that of ${other.name} already, which the channel ${other.channel} listens on`,
      ),
    ];
  });
}

function overlap(a: string, b: string): boolean {
  const everywhere = (host: string) => host === '0.0.0.0' || host === '::';
  return a === b || everywhere(a) || everywhere(b);
}
