import { existsSync } from 'node:fs';
import { access, constants, stat } from 'node:fs/promises';
import { sep } from 'node:path';
import { reachBrokers } from '../../../clients/kafka/reach.ts';
import { reachBroker } from '../../../clients/mqtt/reach.ts';
import { type Demand, reachDatabase } from '../../../clients/postgres/reach.ts';
import { reachNodes } from '../../../clients/rabbitmq/reach.ts';
import { reachPort } from '../../../clients/serial-port/reach.ts';
import { SftpSession } from '../../../clients/sftp/session.ts';
import { SmtpSession } from '../../../connectors/email/smtp-session.ts';
import { type Endpoint, type EndpointOf, tlsClient } from '../../../core/endpoint.ts';
import { HubError } from '../../../core/errors.ts';
import { dial } from '../../../core/net/dial.ts';
import { systemClock } from '../../system-clock.ts';

/** How it went when an endpoint was opened. `skipped`: there is nothing to open from here; `warning`: it does not do what is wanted of it. */
export interface Opened {
  readonly endpoint: string;
  readonly kind: Endpoint['kind'] | 'redis';
  readonly result: 'ok' | 'failed' | 'skipped' | 'warning';
  readonly detail: string;
}

/**
 * Opens every endpoint once, all at the same time: nothing is sent. A database is asked for what channels want of it.
 * @param demands by endpoint
 */
export function openEndpoints(
  endpoints: Readonly<Record<string, Endpoint>>,
  stateDir: string,
  timeoutMs: number,
  demands: ReadonlyMap<string, readonly Demand[]> = new Map(),
): Promise<readonly Opened[]> {
  return Promise.all(
    Object.entries(endpoints).map(async ([name, endpoint]): Promise<Opened> => {
      const { kind } = endpoint;
      const started = performance.now();
      try {
        const detail = await open(endpoint, stateDir, timeoutMs, demands.get(name));
        if (detail === undefined) return { endpoint: name, kind, result: 'skipped', detail: skipped(kind) };
        return {
          endpoint: name,
          kind,
          result: 'ok',
          detail: `${detail}, ${Math.round(performance.now() - started)} ms`,
        };
      } catch (thrown) {
        return {
          endpoint: name,
          kind,
          result: 'failed',
          detail: thrown instanceof Error ? thrown.message : String(thrown),
        };
      }
    }),
  );
}

function skipped(kind: Endpoint['kind']): string {
  return kind === 'tcp-listen' ? 'others connect to it' : 'it says who somebody is, not where';
}

async function open(
  endpoint: Endpoint,
  stateDir: string,
  timeoutMs: number,
  demands: readonly Demand[] = [],
): Promise<string | undefined> {
  switch (endpoint.kind) {
    case 'tcp-connect':
      return connect(endpoint, timeoutMs);
    case 'sftp':
      return files(endpoint, timeoutMs);
    case 'smtp':
      return mail(endpoint, timeoutMs);
    case 'http':
    case 'oauth2-client': {
      const { hostname, port, protocol } = new URL(endpoint.url);
      const secure = protocol === 'https:';
      const host = hostname.replace(/^\[(.*)\]$/, '$1');
      const tls = secure ? { tls: endpoint.tls ?? tlsClient.parse({}) } : {};
      return connect({ host, port: Number(port) || (secure ? 443 : 80), ...tls }, timeoutMs);
    }
    case 'kafka':
      return reachBrokers(endpoint, timeoutMs);
    case 'mqtt':
      return reachBroker(endpoint, systemClock, timeoutMs);
    case 'rabbitmq':
      return reachNodes(endpoint, systemClock, timeoutMs);
    case 'postgres':
      return reachDatabase(endpoint, timeoutMs, demands);
    case 'directory':
      return directory(endpoint.path, endpoint.path.startsWith(stateDir + sep));
    case 'serial':
      return reachPort(endpoint, systemClock, timeoutMs);
    case 'tcp-listen':
    case 'basic-auth':
    case 'bearer-token':
      return undefined;
    default:
      return endpoint satisfies never;
  }
}

async function connect(endpoint: EndpointOf<'tcp-connect'>, timeoutMs: number): Promise<string> {
  const signal = AbortSignal.timeout(timeoutMs + 1_000);
  const socket = await dial(endpoint, { clock: systemClock, timeoutMs, signal });
  socket.on('error', () => undefined);
  socket.destroy();
  return `${endpoint.host}:${endpoint.port} ${endpoint.tls ? 'answers with TLS' : 'is open'}`;
}

async function files(endpoint: EndpointOf<'sftp'>, timeoutMs: number): Promise<string> {
  const options = { connectTimeoutMs: timeoutMs, replyTimeoutMs: timeoutMs, keepAliveMs: 0 };
  const session = await SftpSession.open(endpoint, options, systemClock, new AbortController().signal);
  session.destroy();
  return `logged in to ${endpoint.host}:${endpoint.port} as ${endpoint.user}`;
}

async function mail(endpoint: EndpointOf<'smtp'>, timeoutMs: number): Promise<string> {
  const { host, port, security, user } = endpoint;
  const session = await SmtpSession.open(endpoint, timeoutMs, systemClock, new AbortController().signal);
  session.close();
  const how = security === 'none' ? '' : ' with TLS';
  return `${host}:${port} takes mail${how}${user === undefined ? '' : `, logged in as ${user}`}`;
}

/** @param own below the hub's own state: where it is missing, the hub makes it when it starts */
async function directory(path: string, own: boolean): Promise<string> {
  const doing = `opening ${path}`;
  if (own && !existsSync(path)) return `the hub makes ${path} when it starts`;
  const found = await stat(path).catch((thrown: NodeJS.ErrnoException) => {
    throw failure(doing, thrown.code === 'ENOENT' ? 'there is no such directory' : String(thrown.code));
  });
  if (!found.isDirectory()) throw failure(doing, 'it is no directory');
  await access(path, constants.R_OK | constants.W_OK).catch(() => {
    throw failure(doing, 'it cannot be written to');
  });
  return `${path} is there and writable`;
}

function failure(doing: string, what: string): HubError {
  return new HubError('refused', 'transient', `${doing}: ${what}`, { scope: 'destination' });
}
