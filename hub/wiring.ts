import type { ChannelDefinition } from '../core/channel.ts';
import type { Endpoint } from '../core/endpoint.ts';

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

/** Components name endpoints in their configuration: every text there that is the name of one counts. */
export function wiringOf(endpoints: Wiring['endpoints'], channels: readonly ChannelDefinition[]): Wiring {
  const uses = channels.flatMap(({ name: channel, source, destinations }) => [
    ...namesIn(source.config, endpoints).map((endpoint) => ({ endpoint, channel, type: source.type })),
    ...destinations.flatMap(({ name: destination, to }) =>
      namesIn(to.config, endpoints).map((endpoint) => ({ endpoint, channel, destination, type: to.type })),
    ),
  ]);
  const holdKey = channels.flatMap(({ name, destinations }) =>
    destinations.filter(({ options }) => options.afterDeadLetter === 'hold-key').map((each) => `${name}/${each.name}`),
  );
  return { endpoints, uses, holdKey };
}

function namesIn(config: unknown, endpoints: Wiring['endpoints']): readonly string[] {
  if (typeof config === 'string') return Object.hasOwn(endpoints, config) ? [config] : [];
  if (typeof config !== 'object' || config === null) return [];
  return [...new Set(Object.values(config).flatMap((each) => namesIn(each, endpoints)))];
}
