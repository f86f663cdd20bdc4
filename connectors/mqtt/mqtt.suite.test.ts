import { afterAll, beforeAll, describe } from 'vitest';
import { TestBroker } from '../../clients/mqtt/testing/broker.ts';
import { fakeDestinationContext } from '../../core/testing/contexts.ts';
import { describeDestination, outcomesOf } from '../../core/testing/destination-suite.ts';
import { outgoing } from '../../core/testing/outgoing.ts';
import { type OwnService, ownService, uniqueName } from '../../core/testing/services.ts';
import { mqtt } from './mqtt.ts';

const own = await ownService('mosquitto', import.meta.filename);
const config = { endpoint: 'far', mandatory: true } as const;

describe.skipIf(own.missing)('against a broker', () => {
  let server: OwnService;
  beforeAll(async () => {
    server = await own.start();
  }, 60_000);
  afterAll(() => server?.[Symbol.asyncDispose]());

  describeDestination<unknown>({
    name: 'mqtt',
    spec: mqtt({ ...config, topic: 'devices/${key}' }),
    message: (number) => ({ payload: undefined, bytes: Buffer.from(`message ${number}`) }),
    async setUp() {
      const at = uniqueName(import.meta.filename);
      const broker = new TestBroker(server);
      const reader = await broker.client();
      const received: number[] = [];
      reader.on('message', (_topic, payload) => {
        const number = Number(payload.toString().split(' ')[1]);
        if (!Number.isNaN(number)) received.push(number);
      });
      const topics = Array.from({ length: 60 }, (_, number) => `${at}/key-${number}`);
      await reader.subscribeAsync(topics, { qos: 1 });
      const endpoints = { far: broker.endpoint() };
      const destination = mqtt({ ...config, topic: `${at}/\${key}`, clientId: at }).create(
        fakeDestinationContext({ endpoints }),
      );
      return {
        destination,
        async received() {
          // What is published to itself comes after all that was published before.
          const echo = Promise.withResolvers<void>();
          const heard = (topic: string) => topic === `${at}/echo` && echo.resolve();
          reader.on('message', heard);
          await reader.subscribeAsync(`${at}/echo`, { qos: 1 });
          await reader.publishAsync(`${at}/echo`, 'echo', { qos: 1 });
          await echo.promise;
          reader.off('message', heard);
          return received;
        },
        async failAt(batch, position) {
          const topic = `${at}/${batch[position]!.keys[0]}`;
          await reader.unsubscribeAsync(topic);
          return async () => void (await reader.subscribeAsync(topic, { qos: 1 }));
        },
        async hold() {
          // Nobody can connect to a broker that is stopped: the connection is made before.
          const first = outgoing({ number: 50, payload: undefined, bytes: Buffer.from('before'), keys: ['key-0'] });
          await outcomesOf(destination, [first]);
          await server.pause('mosquitto');
          return () => server.resume('mosquitto');
        },
        async [Symbol.asyncDispose]() {
          await destination[Symbol.asyncDispose]();
          await broker[Symbol.asyncDispose]();
        },
      };
    },
  });
});
