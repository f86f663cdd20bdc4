import { afterAll, beforeAll, describe } from 'vitest';
import { TestBroker } from '../../clients/rabbitmq/testing/broker.ts';
import { fakeDestinationContext } from '../../core/testing/contexts.ts';
import { describeDestination, outcomesOf } from '../../core/testing/destination-suite.ts';
import { outgoing } from '../../core/testing/outgoing.ts';
import { type OwnService, ownService, uniqueName } from '../../core/testing/services.ts';
import { rabbitmq } from './rabbitmq.ts';

const own = await ownService('rabbitmq', import.meta.filename);
const config = { endpoint: 'far', exchange: 'tasks', routingKey: '${key}' } as const;

describe.skipIf(own.missing)('against a broker', () => {
  let server: OwnService;
  beforeAll(async () => {
    server = await own.start();
  }, 60_000);
  afterAll(() => server?.[Symbol.asyncDispose]());

  describeDestination<unknown>({
    name: 'rabbitmq',
    spec: rabbitmq(config),
    message: (number) => ({ payload: undefined, bytes: Buffer.from(`message ${number}`) }),
    async setUp() {
      const broker = await TestBroker.at(server, uniqueName(import.meta.filename));
      const queue = await broker.queue('tasks');
      const channel = await broker.channel();
      await channel.assertExchange('tasks', 'direct');
      for (let number = 0; number < 60; number++) await channel.bindQueue(queue, 'tasks', `key-${number}`);
      const endpoints = { far: broker.endpoint() };
      const destination = rabbitmq(config).create(fakeDestinationContext({ endpoints }));
      const received: number[] = [];
      return {
        destination,
        async received() {
          for (const text of await broker.texts(queue)) received.push(Number(text.split(' ')[1]));
          return received;
        },
        async failAt(batch, position) {
          const [key] = batch[position]!.keys;
          await channel.unbindQueue(queue, 'tasks', key);
          return async () => void (await channel.bindQueue(queue, 'tasks', key));
        },
        async hold() {
          // Nobody can connect to a broker that is stopped: the connection is made before.
          const first = outgoing({ number: 50, payload: undefined, bytes: Buffer.from('before'), keys: ['key-0'] });
          await outcomesOf(destination, [first]);
          await broker.take(queue);
          await server.pause('rabbitmq');
          return () => server.resume('rabbitmq');
        },
        async [Symbol.asyncDispose]() {
          await destination[Symbol.asyncDispose]();
          await broker[Symbol.asyncDispose]();
        },
      };
    },
  });
});
