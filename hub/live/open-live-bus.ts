import type { Clock, Log } from '../../core/component.ts';
import type { Settings } from '../settings.ts';
import { type LiveBus, LocalBus } from './live-bus.ts';
import { RedisBus } from './redis-bus.ts';

/** The bus that `weir.yaml` asks for. Rejects with HubError `refused` where a certificate file of `redis.tls` cannot be read. */
export async function openLiveBus(redis: Settings['redis'], clock: Clock, log: Log): Promise<LiveBus> {
  if (!redis) return new LocalBus();
  const { url, tls, prefix } = redis;
  return RedisBus.open({ server: { url, ...(tls && { tls }) }, prefix, clock, log });
}
