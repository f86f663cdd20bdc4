import type { ChannelDefinition } from '../core/channel.ts';
import type { Registry } from '../core/config/registry.ts';
import type { Endpoint } from '../core/endpoint.ts';
import { endpointsIn } from '../core/endpoint-name.ts';

/** A source, or the destination that is named, that uses an endpoint. */
export interface EndpointUse {
  readonly endpoint: string;
  readonly channel: string;
  readonly destination?: string;
  /** Of the component. */
  readonly type: string;
}

/** The endpoints of the environment and who uses them, as they were last deployed. */
export interface Wiring {
  readonly endpoints: Readonly<Record<string, Endpoint>>;
  readonly uses: readonly EndpointUse[];
  /** Destinations whose dead letters hold their keys, as `channel/destination`. */
  readonly holdKey: readonly string[];
}

/** Components name endpoints in their configuration, where their schemas say so. */
export function wiringOf(
  endpoints: Wiring['endpoints'],
  channels: readonly ChannelDefinition[],
  { adapters, connectors }: Pick<Registry, 'adapters' | 'connectors'>,
): Wiring {
  const namesIn = (component: { readonly config: Parameters<typeof endpointsIn>[0] } | undefined, config: unknown) => {
    const names = endpointsIn(component?.config, config).map(({ name }) => name);
    return [...new Set(names)].filter((name) => Object.hasOwn(endpoints, name));
  };
  const uses = channels.flatMap(({ name: channel, source, destinations }) => [
    ...namesIn(adapters.get(source.type), source.config).map((endpoint) => ({ endpoint, channel, type: source.type })),
    ...destinations.flatMap(({ name: destination, to }) =>
      namesIn(connectors.get(to.type), to.config).map((endpoint) => ({
        endpoint,
        channel,
        destination,
        type: to.type,
      })),
    ),
  ]);
  const holdKey = channels.flatMap(({ name, destinations }) =>
    destinations.filter(({ options }) => options.afterDeadLetter === 'hold-key').map((each) => `${name}/${each.name}`),
  );
  return { endpoints, uses, holdKey };
}
