import type { ConnectionState } from '../../core/component.ts';
import type { Endpoint } from '../../core/endpoint.ts';
import type { ErrorRecord } from '../../core/errors.ts';
import type { ChannelStatus } from '../../core/runtime/engine.ts';
import type { Wiring } from '../wiring.ts';

/** An endpoint in use, and how the connection there stands. */
export interface ConnectionReport {
  readonly channel: string;
  /** Absent for the channel's source. */
  readonly destination?: string;
  /** Of the component. */
  readonly type: string;
  readonly endpoint: string;
  readonly kind: Endpoint['kind'];
  readonly address: string;
  readonly state: ConnectionState;
  readonly connections?: number;
  /** When the last message was received, or sent, since the channel started. */
  readonly lastMessageAt?: number;
  /** What is wrong there now. */
  readonly error?: ErrorRecord;
}

/** Every endpoint that a source or destination connects to or listens on; those that hold a password only are none. */
export function connectionReports(
  { endpoints, uses }: Wiring,
  channels: readonly ChannelStatus[],
): readonly ConnectionReport[] {
  return uses.flatMap(({ endpoint, channel, destination, type }) => {
    const found = endpoints[endpoint];
    const address = found && addressOf(found);
    if (!found || address === undefined) return [];
    const names = { channel, ...(destination === undefined ? {} : { destination }), type, endpoint };
    return [{ ...names, kind: found.kind, address, ...standing(channels, channel, destination) }];
  });
}

function standing(channels: readonly ChannelStatus[], name: string, destinationName: string | undefined) {
  const channel = channels.find((each) => each.channel === name);
  if (!channel) return { state: 'stopped' as const };
  if (destinationName === undefined) {
    const { source, lastReceivedAt, error } = channel;
    return of(source, lastReceivedAt, error);
  }
  // A destination that collects is sent to by a channel of its own.
  const sender = channels.find((each) => each.collectedFrom === name && each.channel.endsWith(`.${destinationName}`));
  const destination = (sender ?? channel).destinations.find((each) => each.destination === destinationName);
  if (!destination) return { state: 'stopped' as const };
  return of(destination.connection, destination.lastSentAt, destination.error);
}

function of(
  { state, connections }: { readonly state: ConnectionState; readonly connections?: number },
  lastMessageAt: number | undefined,
  error: ErrorRecord | undefined,
) {
  return {
    state,
    ...(connections === undefined ? {} : { connections }),
    ...(lastMessageAt === undefined ? {} : { lastMessageAt }),
    ...(error ? { error } : {}),
  };
}

function addressOf(endpoint: Endpoint): string | undefined {
  switch (endpoint.kind) {
    case 'tcp-listen':
      return `${hostAndPort(endpoint.host, endpoint.listen)}${endpoint.tls ? ' (TLS)' : ''}`;
    case 'tcp-connect':
      return `${hostAndPort(endpoint.host, endpoint.port)}${endpoint.tls ? ' (TLS)' : ''}`;
    case 'directory':
    case 'serial':
      return endpoint.path;
    case 'sftp':
    case 'smtp':
    case 'postgres':
      return hostAndPort(endpoint.host, endpoint.port);
    case 'http':
    case 'oauth2-client':
      return endpoint.url;
    case 'kafka':
      return `${endpoint.brokers.join(', ')}${endpoint.tls ? ' (TLS)' : ''}`;
    case 'mqtt':
      return `${hostAndPort(endpoint.host, endpoint.port)}${endpoint.tls ? ' (TLS)' : ''}`;
    case 'rabbitmq':
      return `${endpoint.nodes.join(', ')}${endpoint.tls ? ' (TLS)' : ''}`;
    case 'basic-auth':
    case 'bearer-token':
      return undefined;
    default:
      return endpoint satisfies never;
  }
}

function hostAndPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
