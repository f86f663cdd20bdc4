import { readFile } from 'node:fs/promises';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Clock } from '../component.ts';
import type { EndpointOf } from '../endpoint.ts';
import { describeThrown, HubError } from '../errors.ts';

type ConnectEndpoint = EndpointOf<'tcp-connect'>;

export interface DialOptions {
  readonly clock: Clock;
  /** Milliseconds for the connection, the TLS handshake included. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * A connection to the endpoint, its TLS handshake done. Certificate files are read each time, so that a changed one holds
 * from the next connection on. The socket has no listeners left. Throws HubError `refused`, transient, scope destination.
 */
export async function dial(endpoint: ConnectEndpoint, options: DialOptions): Promise<Socket> {
  const doing = `connecting to ${endpoint.host}:${endpoint.port}`;
  try {
    options.signal.throwIfAborted();
    return await established(endpoint, await tlsOptions(endpoint), options);
  } catch (thrown) {
    const cause = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : describeThrown(thrown);
    throw new HubError('refused', 'transient', `${doing}: ${cause}`, { cause: thrown, scope: 'destination' });
  }
}

async function tlsOptions({ tls, host }: ConnectEndpoint) {
  if (!tls) return undefined;
  const read = async (path: string | undefined) => (path === undefined ? undefined : await readFile(path));
  const [ca, cert, key] = await Promise.all([read(tls.caFile), read(tls.certFile), read(tls.keyFile)]);
  // RFC 6066 §3: an address is no server name; the certificate is checked against it all the same.
  const servername = tls.serverName ?? (isIP(host) === 0 ? host : undefined);
  return {
    minVersion: tls.minVersion,
    ...(servername && { servername }),
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
  };
}

function established(
  { host, port }: ConnectEndpoint,
  tls: Awaited<ReturnType<typeof tlsOptions>>,
  { clock, timeoutMs, signal }: DialOptions,
): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = tls ? connectTls({ host, port, ...tls }) : connect({ host, port });
  const abort = () => socket.destroy(new Error('given up'));
  const cancel = clock.timer(timeoutMs, () =>
    socket.destroy(Object.assign(new Error('time-out'), { code: 'ETIMEDOUT' })),
  );
  signal.addEventListener('abort', abort, { once: true });
  const done = () => {
    cancel();
    signal.removeEventListener('abort', abort);
    socket.removeListener('error', reject);
    socket.removeListener('close', closed);
  };
  const closed = () => reject(Object.assign(new Error('closed'), { code: 'ECONNRESET' }));
  socket.once('error', reject);
  socket.once('close', closed);
  socket.once(tls ? 'secureConnect' : 'connect', () => resolve(socket));
  return promise.finally(done);
}
