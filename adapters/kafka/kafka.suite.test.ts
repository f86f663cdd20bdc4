import { describe } from 'vitest';
import { prepared } from '../../clients/kafka/record.ts';
import { SendQueue } from '../../clients/kafka/send-queue.ts';
import { TestTopics } from '../../clients/kafka/testing/topic.ts';
import { fakeSourceContext } from '../../core/testing/contexts.ts';
import { service, uniqueName } from '../../core/testing/services.ts';
import { describeSource } from '../../core/testing/source-suite.ts';
import { kafka } from './kafka.ts';

const server = await service('kafka', import.meta.filename);

describe.skipIf(server.missing)('against a broker', () => {
  describeSource({
    name: 'kafka',
    acknowledges: kafka.acknowledges,
    ackPoints: ['stored', 'transformed', 'settled'],
    negativeAnswer: 'confirmed',
    bound: { arrivals: 4, calls: 1 },
    message: (number) => Buffer.from(`record ${number}`),
    async setUp(ackAfter) {
      const topics = await TestTopics.at(server.address);
      const topic = await topics.make(uniqueName(import.meta.filename));
      const endpoint = { kind: 'kafka', brokers: topics.brokers } as const;
      const context = fakeSourceContext({ channel: topic, ackAfter, endpoints: { far: endpoint } });
      const queue = new SendQueue({
        endpoint: { brokers: topics.brokers },
        clientId: 'far',
        deliveryTimeoutMs: 10_000,
        onTrouble: () => undefined,
      });
      return {
        create: () => kafka({ endpoint: 'far', topics: [topic], maxBatch: 4, sessionTimeoutMs: 6000 }).create(context),
        async offer(numbers) {
          const record = { topic, key: Buffer.from('patient-1'), headers: {} };
          await queue.send(numbers.map((number) => prepared({ ...record, value: Buffer.from(`record ${number}`) })));
        },
        // Offsets move on in order, so the first that is not committed says which are.
        async confirmed() {
          const [next = 0] = await topics.committed(topic, topic);
          return Array.from({ length: next }, (_, number) => number);
        },
        refused: async () => [],
        async [Symbol.asyncDispose]() {
          await queue.close(1000);
          await topics[Symbol.asyncDispose]();
        },
      };
    },
  });
});
