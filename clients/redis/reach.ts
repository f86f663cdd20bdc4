import { HubError } from '../../core/errors.ts';
import { type RedisServer, redisConnection, redisTrouble } from './connection.ts';

/**
 * Connects to Redis, TLS and login included, and does once what hubs do there: publishes, and counts in a script, under names that
 * begin with `prefix`. Resolves with what answered, in words. Rejects with HubError `refused` that names the setting that is wrong.
 */
export async function reachRedis(server: RedisServer, prefix: string, timeoutMs: number): Promise<string> {
  const { hostname, port, protocol } = new URL(server.url);
  const redis = await redisConnection(server, 'weir check', timeoutMs);
  let trouble: unknown;
  redis.on('error', (thrown: unknown) => {
    trouble ??= thrown;
  });
  try {
    await redis.connect();
    await redis.publish(`${prefix}check`, '');
    await redis.eval("return redis.call('GET', KEYS[1])", 1, `${prefix}check`);
    const version = /redis_version:(\S+)/.exec(await redis.info('server').catch(() => ''))?.[1];
    return `Redis${version ? ` ${version}` : ''}, logged in`;
  } catch (thrown) {
    const what = redisTrouble(trouble ?? thrown);
    // A Redis without TLS waits for the rest of what it takes for a command.
    const silent = protocol === 'rediss:' && /^no answer/.test(what) ? ', or TLS is not spoken there: redis.url' : '';
    const message = `connecting to ${hostname}:${port || 6379}: ${what}${silent}`;
    throw new HubError('refused', 'transient', message, { scope: 'destination', cause: thrown });
  } finally {
    redis.disconnect();
  }
}
