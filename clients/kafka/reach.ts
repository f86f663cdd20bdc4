import type { EndpointOf } from '../../core/endpoint.ts';
import { clientOptions, kafkaDriver } from './connection.ts';
import { kafkaError } from './errors.ts';

/**
 * Connects to the brokers, TLS and login included, and asks who belongs to the cluster; resolves with that in words. Rejects with
 * HubError that names the setting that is wrong.
 */
export async function reachBrokers(endpoint: EndpointOf<'kafka'>, timeoutMs: number): Promise<string> {
  const driver = await kafkaDriver();
  const choices = { clientId: 'weir-check', connectTimeoutMs: timeoutMs, requestTimeoutMs: timeoutMs };
  const client = new driver.Base(clientOptions(endpoint, choices));
  try {
    const { brokers } = await client.metadata({ topics: [] });
    return `${brokers.size} ${brokers.size === 1 ? 'broker' : 'brokers'}${endpoint.sasl ? ', logged in' : ''}`;
  } catch (thrown) {
    throw kafkaError(thrown, `connecting to ${endpoint.brokers.join(', ')}`);
  } finally {
    await client.close();
  }
}
