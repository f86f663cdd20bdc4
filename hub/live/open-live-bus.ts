import type { Clock, Log } from '../../core/component.ts';
import type { Settings } from '../settings.ts';
import { type LiveAlarm, liveAlarm } from './live-alarm.ts';
import { type LiveBus, LocalBus, liveReport } from './live-bus.ts';
import { RedisBus, type RedisBusOptions } from './redis-bus.ts';

type What<R> = Pick<RedisBusOptions<R>, 'name' | 'title' | 'schema'>;

/** The bus that `weir.yaml` asks for. Rejects with HubError `refused` where a certificate file of `redis.tls` cannot be read. */
export function openLiveBus(redis: Settings['redis'], clock: Clock, log: Log): Promise<LiveBus> {
  return openBus({ name: 'live', title: 'live figures', schema: liveReport }, redis, clock, log);
}

/** As `openLiveBus`, of alarms. */
export function openAlarmBus(redis: Settings['redis'], clock: Clock, log: Log): Promise<LiveBus<LiveAlarm>> {
  return openBus({ name: 'alarms', title: 'live alarms', schema: liveAlarm }, redis, clock, log);
}

async function openBus<R>(what: What<R>, redis: Settings['redis'], clock: Clock, log: Log): Promise<LiveBus<R>> {
  if (!redis) return new LocalBus<R>();
  const { url, tls, prefix } = redis;
  return RedisBus.open({ ...what, server: { url, ...(tls && { tls }) }, prefix, clock, log });
}
