import type { Redis, RedisOptions } from 'ioredis';
import type { EndpointOf } from '../../core/endpoint.ts';
import { describeThrown, HubError } from '../../core/errors.ts';
import { PemFiles } from '../../core/net/pem-files.ts';

export type { Redis } from 'ioredis';

export interface RedisServer {
  /** `redis://user:password@host:6379`, or `rediss://…` for TLS. */
  readonly url: string;
  readonly tls?: EndpointOf<'tcp-connect'>['tls'];
}

/**
 * A connection to Redis that is made again, for ever, with growing pauses, when it breaks. Commands are refused at once while it is
 * away: nothing is queued for later. `name` is how Redis lists it. Rejects with HubError `refused` where a certificate file cannot
 * be read; nothing is connected before `connect()`.
 */
export async function redisConnection({ url, tls }: RedisServer, name: string, timeoutMs = 5_000): Promise<Redis> {
  // 40 ms that a hub without Redis does not spend at its start.
  const { Redis } = await import('ioredis');
  return new Redis(url, {
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    connectionName: name,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    keepAlive: 10_000,
    noDelay: true,
    retryStrategy: (times) => Math.min(10_000, 100 * 2 ** Math.min(times, 7)),
    ...(tls && { tls: await tlsOptions(tls) }),
  });
}

async function tlsOptions(tls: NonNullable<RedisServer['tls']>): Promise<NonNullable<RedisOptions['tls']>> {
  try {
    const pems = await new PemFiles({ ca: tls.caFile, cert: tls.certFile, key: tls.keyFile }).changed();
    return { ...pems, minVersion: tls.minVersion, ...(tls.serverName !== undefined && { servername: tls.serverName }) };
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    throw new HubError('refused', 'permanent', `connecting to Redis: a file of redis.tls cannot be read: ${code}`, {
      cause: thrown,
    });
  }
}

/** What went wrong, in words that name the setting where that can be told, without what Redis was sent. */
export function redisTrouble(thrown: unknown): string {
  const { code, message = '' } = (thrown ?? {}) as { readonly code?: unknown; readonly message?: string };
  for (const [pattern, text] of answers) if (pattern.test(message)) return text;
  if (typeof code === 'string' && codes[code]) return codes[code];
  return describeThrown(thrown);
}

const answers: readonly (readonly [RegExp, string])[] = [
  [/^(?:WRONGPASS|ERR invalid password|ERR AUTH)/, 'it does not accept user or password of redis.url'],
  [/^NOAUTH/, 'it wants a password: redis.url'],
  [/^NOPERM/, 'the user of redis.url may not do this: its rights (ACL)'],
  [/^(?:LOADING|BUSY|MASTERDOWN)/, 'it is not ready yet'],
  [/^OOM/, 'its memory is full'],
  [/^READONLY/, 'it is a replica: redis.url'],
  [/^Connection is closed/, 'the connection was closed: what listens at the address of redis.url may be no Redis'],
];

const codes: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens at the address of redis.url (ECONNREFUSED)',
  ENOTFOUND: 'there is no host of the name in redis.url',
  ETIMEDOUT: 'no answer in time',
  ECONNRESET: 'the connection broke',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not one that redis.tls.caFile vouches for',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not one that redis.tls.caFile vouches for',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name: redis.url, or redis.tls.serverName',
};
