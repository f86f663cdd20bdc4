import { describe } from 'vitest';
import { TestBroker, Wire } from '../../clients/mqtt/testing/broker.ts';
import { fakeSourceContext } from '../../core/testing/contexts.ts';
import { service, uniqueName } from '../../core/testing/services.ts';
import { describeSource } from '../../core/testing/source-suite.ts';
import { mqtt } from './mqtt.ts';

const server = await service('mosquitto', import.meta.filename);

describe.skipIf(server.missing)('against a broker', () => {
  describeSource({
    name: 'mqtt',
    acknowledges: mqtt.acknowledges,
    ackPoints: ['stored', 'transformed', 'settled'],
    negativeAnswer: 'confirmed',
    bound: { arrivals: 5, calls: 1 },
    message: (number) => Buffer.from(`sample ${number}`),
    async setUp(ackAfter) {
      const name = uniqueName(import.meta.filename);
      const broker = new TestBroker(server);
      const wire = await Wire.to(broker.port);
      await broker.session(name, `${name}/+/vitals`);
      const context = fakeSourceContext({ ackAfter, endpoints: { far: broker.endpoint(wire.port) } });
      const subscriptions = [{ topic: `${name}/{id}/vitals` }];
      return {
        create: () => mqtt({ endpoint: 'far', clientId: name, subscriptions, receiveMaximum: 5 }).create(context),
        offer: (numbers) =>
          broker.send(
            `${name}/monitor-1/vitals`,
            numbers.map((number) => `sample ${number}`),
          ),
        confirmed: async () => wire.acknowledged.map((text) => Number(text.split(' ')[1])),
        // A broker of MQTT takes no refusal: what it gives out is acknowledged, or given out again.
        refused: async () => [],
        async [Symbol.asyncDispose]() {
          await wire[Symbol.asyncDispose]();
          await broker[Symbol.asyncDispose]();
        },
      };
    },
  });
});
