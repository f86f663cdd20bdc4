import type { Clock } from '../../core/component.ts';
import type { EndpointOf } from '../../core/endpoint.ts';
import { Link } from './link.ts';

/**
 * Connects to a node of the broker, TLS, login and virtual host included; resolves with what answered, in words. Rejects with
 * HubError that names the setting that is wrong.
 */
export async function reachNodes(endpoint: EndpointOf<'rabbitmq'>, clock: Clock, timeoutMs: number): Promise<string> {
  const signal = new AbortController().signal;
  const link = await Link.open(endpoint, { name: 'weir-check', clock, timeoutMs, signal });
  const { product, version } = link.model.connection.serverProperties;
  await link.close();
  return `${product} ${version}, logged in to ${endpoint.vhost}`;
}
