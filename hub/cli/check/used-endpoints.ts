import type { LoadedChannel } from '../../../core/config/channels-folder.ts';
import type { Place } from '../../../core/config/yaml-file.ts';
import { endpointsIn, type NamedEndpoint } from '../../../core/endpoint-name.ts';
import type { OfflineFolder } from '../offline/folder.ts';

/** An endpoint where a channel names it. */
export interface UsedEndpoint extends NamedEndpoint {
  readonly channel: LoadedChannel;
  /** `source (mllp)`, `destination lab (mllp)` */
  readonly by: string;
  readonly type: string;
  /** In a YAML channel. */
  readonly place: Place;
  /** Undefined for the source. */
  readonly destination: string | undefined;
}

/** Every endpoint that a channel names, in the order of its file. */
export function usedEndpoints(
  channel: LoadedChannel,
  { registry }: Pick<OfflineFolder, 'registry'>,
): readonly UsedEndpoint[] {
  const { source, destinations } = channel.definition;
  const schema = registry.adapters.get(source.type)?.config;
  const own = endpointsIn(schema, source.config).map((each) => ({
    ...each,
    ...{ channel, type: source.type, by: `source (${source.type})`, destination: undefined },
    place: ['source', source.type, ...each.path],
  }));
  const theirs = destinations.flatMap(({ name, to }) =>
    endpointsIn(registry.connectors.get(to.type)?.config, to.config).map((each) => ({
      ...each,
      ...{ channel, type: to.type, by: `destination ${name} (${to.type})`, destination: name },
      place: ['destinations', name, 'to', to.type, ...each.path],
    })),
  );
  return [...own, ...theirs];
}
