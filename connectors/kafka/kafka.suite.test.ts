import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe } from 'vitest';
import { TestTopics } from '../../clients/kafka/testing/topic.ts';
import { fakeDestinationContext } from '../../core/testing/contexts.ts';
import { describeDestination, outcomesOf } from '../../core/testing/destination-suite.ts';
import { outgoing } from '../../core/testing/outgoing.ts';
import { type OwnService, ownService, uniqueName } from '../../core/testing/services.ts';
import { kafka } from './kafka.ts';

const own = await ownService('kafka', import.meta.filename);

/** Each is 200 bytes longer than the one before, so that a topic can take all below one of them. */
const lengthOf = (number: number): number => 1000 + 200 * number;

describe.skipIf(own.missing)('against a broker', () => {
  let server: OwnService;
  beforeAll(async () => {
    server = await own.start();
  }, 60_000);
  afterAll(() => server?.[Symbol.asyncDispose]());

  describeDestination<unknown>({
    name: 'kafka',
    spec: kafka({ endpoint: 'far', topic: 't' }),
    message: (number) => ({ payload: undefined, bytes: Buffer.alloc(lengthOf(number), `${number} `) }),
    async setUp() {
      const topics = await TestTopics.at(server.address);
      const topic = await topics.make(uniqueName(import.meta.filename), 2);
      const endpoints = { far: { kind: 'kafka', brokers: topics.brokers } as const };
      const destination = kafka({ endpoint: 'far', topic }).create(fakeDestinationContext({ endpoints }));
      return {
        destination,
        received: async () => (await topics.records(topic)).map(({ value }) => Number.parseInt(value.toString(), 10)),
        async failAt(_, position) {
          // A batch of one record is about 195 bytes longer than its value: identity, headers, framing.
          await topics.setting(topic, 'max.message.bytes', String(lengthOf(position) + 100));
          await pause(300);
          return async () => {
            await topics.setting(topic, 'max.message.bytes', '1000000');
            await pause(300);
          };
        },
        async hold() {
          // Connected already, by what no broker takes: it is the write that is held.
          await outcomesOf(destination, [outgoing({ number: 9, payload: undefined, bytes: Buffer.alloc(2_000_000) })]);
          await server.pause();
          return () => server.resume();
        },
        async [Symbol.asyncDispose]() {
          await destination[Symbol.asyncDispose]();
          await topics[Symbol.asyncDispose]();
        },
      };
    },
  });
});
