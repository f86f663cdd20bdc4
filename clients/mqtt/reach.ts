import type { Clock } from '../../core/component.ts';
import type { EndpointOf } from '../../core/endpoint.ts';
import { Link } from './link.ts';

/**
 * Connects to the broker, TLS and login included, in a session of its own that ends with it; resolves with what answered, in words.
 * Rejects with HubError that names the setting that is wrong.
 */
export async function reachBroker(endpoint: EndpointOf<'mqtt'>, clock: Clock, timeoutMs: number): Promise<string> {
  const clientId = `weir-check-${crypto.randomUUID().slice(0, 8)}`;
  const signal = new AbortController().signal;
  const options = { clientId, clock, timeoutMs, signal, keepAliveMs: 30_000, sessionExpiryMs: 0 };
  const link = await Link.open(endpoint, options);
  const { receiveMaximum } = link.greeting;
  await link.close();
  return `MQTT 5 at ${endpoint.host}:${endpoint.port}, takes ${receiveMaximum} messages at once`;
}
