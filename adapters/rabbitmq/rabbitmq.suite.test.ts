import { describe } from 'vitest';
import { TestBroker } from '../../clients/rabbitmq/testing/broker.ts';
import { fakeSourceContext } from '../../core/testing/contexts.ts';
import { service, uniqueName } from '../../core/testing/services.ts';
import { describeSource } from '../../core/testing/source-suite.ts';
import { rabbitmq } from './rabbitmq.ts';

const server = await service('rabbitmq', import.meta.filename);

describe.skipIf(server.missing)('against a broker', () => {
  describeSource({
    name: 'rabbitmq',
    acknowledges: rabbitmq.acknowledges,
    ackPoints: ['stored', 'transformed', 'settled'],
    negativeAnswer: 'refused',
    bound: { arrivals: 5, calls: 1 },
    message: (number) => Buffer.from(`task ${number}`),
    async setUp(ackAfter) {
      const broker = await TestBroker.at(server, uniqueName(import.meta.filename));
      const dead = await broker.queue('dead');
      const queue = await broker.queue('tasks', { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': dead });
      const context = fakeSourceContext({ ackAfter, endpoints: { far: broker.endpoint() } });
      const offered: number[] = [];
      const refused: number[] = [];
      const readRefused = async (): Promise<readonly number[]> => {
        for (const text of await broker.texts(dead)) refused.push(Number(text.split(' ')[1]));
        return refused;
      };
      return {
        create: () => rabbitmq({ endpoint: 'far', queue, prefetch: 5 }).create(context),
        async offer(numbers) {
          offered.push(...numbers);
          await broker.send(
            queue,
            numbers.map((number) => `task ${number}`),
          );
        },
        // Which of them the broker still has cannot be seen; those that it has are the last ones.
        async confirmed() {
          const { ready, unacknowledged } = await broker.holding(queue);
          const gone = offered.slice(0, offered.length - ready - unacknowledged);
          const dead = await readRefused();
          return gone.filter((number) => !dead.includes(number));
        },
        refused: readRefused,
        [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose](),
      };
    },
  });
});
