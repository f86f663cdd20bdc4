import type { EndpointOf } from '../../core/endpoint.ts';
import { clientOptions, type KafkaAdmin, kafkaDriver } from './connection.ts';
import { answered, kafkaError } from './errors.ts';

/** A topic as the brokers have it. */
export interface TopicFound {
  readonly partitions: number;
  /** Undefined where the user may not ask; −1 keeps records for ever. */
  readonly retentionMs: number | undefined;
}

const topicResource = 2 as const;

/** Those of these topics that the cluster has, by name. Rejects with HubError where the brokers cannot be asked within the time. */
export async function describeTopics(
  endpoint: EndpointOf<'kafka'>,
  timeoutMs: number,
  names: readonly string[],
): Promise<ReadonlyMap<string, TopicFound>> {
  const driver = await kafkaDriver();
  const choices = { clientId: 'weir-check', connectTimeoutMs: timeoutMs, requestTimeoutMs: timeoutMs };
  const admin = new driver.Admin(clientOptions(endpoint, choices));
  const found = new Map<string, TopicFound>();
  try {
    for (const name of names) {
      const partitions = await partitionsOf(admin, name);
      if (partitions !== undefined) found.set(name, { partitions, retentionMs: await retentionOf(admin, name) });
    }
    return found;
  } catch (thrown) {
    throw kafkaError(thrown, `asking ${endpoint.brokers.join(', ')} for topics`);
  } finally {
    await admin.close();
  }
}

/** How many a topic has; undefined where there is no such topic. */
export async function partitionsOf(admin: Pick<KafkaAdmin, 'metadata'>, name: string): Promise<number | undefined> {
  try {
    const { topics } = await admin.metadata({ topics: [name], forceUpdate: true });
    return topics.get(name)?.partitionsCount;
  } catch (thrown) {
    if (kafkaError(thrown, '').code === 'not-found') return undefined;
    throw thrown;
  }
}

async function retentionOf(admin: KafkaAdmin, name: string): Promise<number | undefined> {
  const resources = [{ resourceType: topicResource, resourceName: name, configurationKeys: ['retention.ms'] }];
  try {
    const [description] = await admin.describeConfigs({ resources });
    const value = description?.configs.find((config) => config.name === 'retention.ms')?.value;
    return value == null ? undefined : Number(value);
  } catch (thrown) {
    if (answered(thrown, 'TOPIC_AUTHORIZATION_FAILED', 'CLUSTER_AUTHORIZATION_FAILED')) return undefined;
    throw thrown;
  }
}
