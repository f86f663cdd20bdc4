import type { Settings } from '../settings.ts';
import { RedisRates } from './redis-rates.ts';

/** What counts rates together with the other hubs. Rejects with HubError `refused` where a certificate file cannot be read. */
export function openRates({ url, tls, prefix }: NonNullable<Settings['redis']>): Promise<RedisRates> {
  return RedisRates.open({ server: { url, ...(tls && { tls }) }, prefix });
}
