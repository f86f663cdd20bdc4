import { setTimeout as sleep } from 'node:timers/promises';
import type { KafkaAdmin } from '../../../clients/kafka/connection.ts';
import { partitionsOf } from '../../../clients/kafka/describe-topics.ts';
import { answered, kafkaError } from '../../../clients/kafka/errors.ts';
import { HubError } from '../../../core/errors.ts';
import type { Topic } from '../../../core/events/event-log.ts';

/** A topic as the brokers are asked for it. */
export interface WantedTopic extends Pick<Topic<unknown>, 'name' | 'partitions' | 'retentionMs'> {
  readonly wireName: string;
  /** −1: as many as the brokers make by themselves. */
  readonly replication: number;
  readonly maxEventBytes: number;
}

/** ConfigResource.Type.TOPIC, and AlterConfigOp.OpType.SET, of the protocol. */
const topicResource = 2 as const;
const set = 0 as const;
const settledMs = 10_000;

/**
 * Makes the topic when it is missing. Of one that is there nothing is changed but its retention, and that is told to `onChange`.
 * Throws HubError `config-invalid` when its partitions differ.
 */
export async function declareTopic(
  admin: KafkaAdmin,
  wanted: WantedTopic,
  onChange: (text: string) => void,
): Promise<void> {
  const { name, wireName, partitions } = wanted;
  const doing = `declaring topic ${name}`;
  try {
    let existing = await partitionsOf(admin, wireName);
    if (existing === undefined) {
      await create(admin, wanted);
      existing = await settled(admin, wireName, partitions);
    } else if (existing === partitions) await keepFor(admin, wanted, onChange);
    if (existing !== partitions)
      throw new HubError('config-invalid', 'permanent', `${doing}: it has ${existing} partitions, not ${partitions}`);
  } catch (thrown) {
    throw kafkaError(thrown, doing);
  }
}

async function create(
  admin: KafkaAdmin,
  { wireName, partitions, retentionMs, replication, maxEventBytes }: WantedTopic,
) {
  const configs = {
    'cleanup.policy': 'delete',
    'retention.ms': String(retentionMs),
    // The brokers say when an event came: retention does not depend on the clock of a hub.
    'message.timestamp.type': 'LogAppendTime',
    'max.message.bytes': String(maxEventBytes),
  };
  try {
    await admin.createTopics({
      topics: [{ topic: wireName, partitions, replicas: replication }],
      configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
    });
  } catch (thrown) {
    // Another hub was faster.
    if (!answered(thrown, 'TOPIC_ALREADY_EXISTS')) throw thrown;
  }
}

/** A new topic is there before all of its partitions have a leader. */
async function settled(admin: KafkaAdmin, wireName: string, partitions: number): Promise<number> {
  for (const end = performance.now() + settledMs; ; ) {
    const existing = await partitionsOf(admin, wireName);
    const led = admin.currentMetadata?.topics.get(wireName)?.partitions.every(({ leader }) => leader >= 0);
    if (existing !== undefined && (existing !== partitions || led)) return existing;
    if (performance.now() > end)
      throw new HubError('event-log-failed', 'transient', 'waiting for the leaders of its partitions: none yet', {
        scope: 'destination',
      });
    await sleep(20);
  }
}

async function keepFor(
  admin: KafkaAdmin,
  { name, wireName, retentionMs }: WantedTopic,
  onChange: (text: string) => void,
) {
  const resources = [{ resourceType: topicResource, resourceName: wireName, configurationKeys: ['retention.ms'] }];
  const [description] = await admin.describeConfigs({ resources });
  const current = description?.configs.find((config) => config.name === 'retention.ms')?.value;
  if (current === undefined || current === String(retentionMs)) return;
  const configs = [{ name: 'retention.ms', configOperation: set, value: String(retentionMs) } as const];
  try {
    await admin.incrementalAlterConfigs({
      resources: [{ resourceType: topicResource, resourceName: wireName, configs }],
    });
    onChange(`topic ${name} keeps its events for ${retentionMs} ms now; it was ${current} ms`);
  } catch (thrown) {
    if (!answered(thrown, 'TOPIC_AUTHORIZATION_FAILED', 'CLUSTER_AUTHORIZATION_FAILED')) throw thrown;
    onChange(`topic ${name} keeps its events for ${current} ms, not ${retentionMs}: the user may not change that`);
  }
}
