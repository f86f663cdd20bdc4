import { readFileSync } from 'node:fs';
import type { Base, BaseOptions, Broker } from '@platformatic/kafka';
import type { EndpointOf } from '../../core/endpoint.ts';
import { HubError } from '../../core/errors.ts';

/** The driver, loaded when a component first needs it: it takes 0.5 s and 60 MB. */
export const kafkaDriver = () => import('@platformatic/kafka');

export type KafkaDriver = Awaited<ReturnType<typeof kafkaDriver>>;
/** What topics, their settings and groups are asked and changed with. */
export type KafkaAdmin = InstanceType<KafkaDriver['Admin']>;

export interface ConnectionChoices {
  /** How brokers name us in their logs and quotas. */
  readonly clientId: string;
  /** Milliseconds for a connection, and for each answer; 10 s and 30 s if not given, but 10 s for what is written or fetched. */
  readonly connectTimeoutMs?: number;
  readonly requestTimeoutMs?: number;
}

/**
 * What a client of the driver is made with. It never tries again by itself: whoever calls knows what can be repeated. Certificate
 * files are read at each connection, so that a changed one holds from the next on. Throws HubError `refused`, transient, scope
 * destination, where one of them cannot be read.
 */
export function clientOptions(endpoint: EndpointOf<'kafka'>, choices: ConnectionChoices): BaseOptions {
  const { tls, sasl } = endpoint;
  return {
    clientId: choices.clientId.replaceAll(/\s/g, '-'),
    bootstrapBrokers: [...endpoint.brokers],
    connectTimeout: choices.connectTimeoutMs ?? 10_000,
    requestTimeout: choices.requestTimeoutMs ?? 30_000,
    timeout: choices.requestTimeoutMs ?? 30_000,
    retries: 0,
    // The answer to a long request holds up what is behind it on the same connection.
    maxInflights: 5,
    ...(tls && { tls: tlsOptions(tls), ...(tls.serverName !== undefined && { tlsServerName: tls.serverName }) }),
    ...(sasl && { sasl: { mechanism: sasl.mechanism, username: sasl.user, password: sasl.password } }),
  };
}

/**
 * What belongs to no broker in particular the driver asks the first one of its list that takes a connection: for ever the same one,
 * where its machine takes connections and nothing answers. From here on those are asked last whose connection ended last.
 */
export function askSilentLast<C extends Pick<Base, 'connections'>>(client: C): C {
  const pool = client.connections;
  const ended = new Map<string, number>();
  const at = ({ host, port }: Broker) => `${host}:${port}`;
  let count = 0;
  for (const event of ['disconnect', 'failed'] as const)
    pool.on(event, ({ broker }) => void ended.set(at(broker), ++count));
  const ask = pool.getFirstAvailable;
  const inOrder = (brokers: readonly Broker[]) =>
    brokers.toSorted((a, b) => (ended.get(at(a)) ?? 0) - (ended.get(at(b)) ?? 0));
  pool.getFirstAvailable = (brokers: Broker[], ...callback: readonly unknown[]) =>
    Reflect.apply(ask, pool, [inOrder(brokers), ...callback]);
  return client;
}

/** Throws HubError `refused` where a file cannot be read now. One that cannot be read later leaves what was read last in use. */
function tlsOptions(tls: NonNullable<EndpointOf<'kafka'>['tls']>): NonNullable<BaseOptions['tls']> {
  const files = {
    ca: ['caFile', tls.caFile],
    cert: ['certFile', tls.certFile],
    key: ['keyFile', tls.keyFile],
  } as const;
  const options = { minVersion: tls.minVersion };
  for (const [option, [field, path]] of Object.entries(files)) {
    if (path === undefined) continue;
    let latest = pem(field, path);
    const get = (): Buffer => {
      try {
        latest = pem(field, path);
      } catch {
        // The connection is made by a timer of the driver, where nobody catches.
      }
      return latest;
    };
    Object.defineProperty(options, option, { enumerable: true, get });
  }
  return options;
}

function pem(field: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    throw new HubError('refused', 'transient', `connecting to Kafka: tls.${field} cannot be read: ${code}`, {
      scope: 'destination',
      cause: thrown,
    });
  }
}
