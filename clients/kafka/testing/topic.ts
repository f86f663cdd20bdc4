import { type KafkaAdmin, kafkaDriver } from '../connection.ts';

/** Topics of one test at real brokers, as somebody else would make and look at them. */
export class TestTopics implements AsyncDisposable {
  readonly brokers: string[];
  readonly admin: KafkaAdmin;
  readonly #made: string[] = [];

  static async at(address: string): Promise<TestTopics> {
    const { Admin } = await kafkaDriver();
    const brokers = address.split(',');
    return new TestTopics(
      brokers,
      new Admin({ clientId: 'test', bootstrapBrokers: brokers, retries: 20, retryDelay: 250 }),
    );
  }

  private constructor(brokers: string[], admin: KafkaAdmin) {
    this.brokers = brokers;
    this.admin = admin;
  }

  async make(topic: string, partitions = 1, configs: Readonly<Record<string, string>> = {}): Promise<string> {
    await this.admin.createTopics({
      topics: [{ topic, partitions, replicas: -1 }],
      configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
    });
    this.#made.push(topic);
    for (;;) {
      const { topics } = await this.admin.metadata({ topics: [topic], forceUpdate: true });
      if (topics.get(topic)?.partitions.every(({ leader }) => leader >= 0)) return topic;
    }
  }

  async setting(topic: string, name: string, value: string): Promise<void> {
    const configs = [{ name, configOperation: 0 as const, value }];
    await this.admin.incrementalAlterConfigs({ resources: [{ resourceType: 2, resourceName: topic, configs }] });
  }

  /** Offset that a group goes on from in each partition that it has committed. */
  async committed(group: string, topic: string): Promise<readonly number[]> {
    const [found] = await this.admin.listConsumerGroupOffsets({ groups: [group] });
    const of = found?.topics.find(({ name }) => name === topic)?.partitions ?? [];
    return of.filter(({ committedOffset }) => committedOffset >= 0n).map((each) => Number(each.committedOffset));
  }

  /** Everything in the topic now, by partition and in order, read with the driver alone. */
  async records(topic: string) {
    const { Consumer } = await kafkaDriver();
    const { topics } = await this.admin.metadata({ topics: [topic] });
    const partitions = Array.from({ length: topics.get(topic)!.partitionsCount }, (_, index) => index);
    const listed = await this.admin.listOffsets({
      topics: [{ name: topic, partitions: partitions.map((each) => ({ partitionIndex: each, timestamp: -1n })) }],
    });
    let left = listed[0]!.partitions.reduce((sum, { offset }) => sum + Number(offset), 0);
    const found: { key: string | undefined; value: Buffer; partition: number; headers: Record<string, string> }[] = [];
    if (left === 0) return found;
    const consumer = new Consumer({
      clientId: 'test',
      groupId: `test-${Math.random()}`,
      bootstrapBrokers: this.brokers,
    });
    const stream = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: false, maxWaitTime: 100 });
    for await (const { key, value, partition, headers } of stream) {
      const texts = Object.fromEntries([...headers].map(([name, text]) => [name.toString(), text.toString()]));
      found.push({ key: key?.toString(), value, partition, headers: texts });
      if (--left === 0) break;
    }
    await consumer.close(true);
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#made.length > 0) await this.admin.deleteTopics({ topics: this.#made }).catch(() => undefined);
    await this.admin.close();
  }
}
