import { type Redis, type RedisServer, redisConnection } from '../../clients/redis/connection.ts';
import type { Granted, Rate, SharedRates } from '../../core/rates.ts';

export interface RedisRatesOptions {
  readonly server: RedisServer;
  /** Hubs of one installation say the same. */
  readonly prefix: string;
}

/**
 * The token bucket of core/runtime/rates in one step of Redis, by its clock, in microseconds. A key lasts until its bucket is full again.
 * Answers with how many may go, and in how many milliseconds there may be more.
 */
const script = `
local every, burst, wanted = 1e6 / tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1e6 + tonumber(time[2])
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
local there = math.floor((now + burst * every - full) / every + 0.001)
local count = math.max(0, math.min(wanted, there))
full = full + count * every
if count > 0 then redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000) + 1000) end
if count == wanted then return {count, 0} end
return {count, math.max(1, math.ceil((full + every - burst * every - now) / 1000))}`;

/** Rates that all hubs of an installation count in Redis. While it is away every call rejects at once; it is found again by itself. */
export class RedisRates implements SharedRates, AsyncDisposable {
  readonly #redis: Redis;
  readonly #prefix: string;

  private constructor(redis: Redis, prefix: string) {
    this.#redis = redis;
    this.#prefix = prefix;
    // Whoever asks is told.
    redis.on('error', () => undefined);
  }

  /** Rejects with HubError `refused` where a certificate file cannot be read; an absent Redis is waited for by whoever asks. */
  static async open({ server, prefix }: RedisRatesOptions): Promise<RedisRates> {
    const redis = await redisConnection(server, 'weir rates');
    const rates = new RedisRates(redis, prefix);
    redis.connect().catch(() => undefined);
    return rates;
  }

  async take(name: string, { perSecond, burst }: Rate, wanted: number): Promise<Granted> {
    const answer = await this.#redis.eval(script, 1, `${this.#prefix}rate:${name}`, perSecond, burst, wanted);
    const [count, waitMs] = answer as [number, number];
    return { count, waitMs };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#redis.disconnect();
  }
}
