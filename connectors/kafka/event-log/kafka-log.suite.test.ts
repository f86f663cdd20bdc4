import { describe } from 'vitest';
import { kafkaDriver } from '../../../clients/kafka/connection.ts';
import { eventLogSuite } from '../../../core/testing/event-log-suite.ts';
import { service, uniqueName } from '../../../core/testing/services.ts';
import { openKafkaLog } from './kafka-log.ts';

const kafka = await service('kafka', import.meta.filename);

describe.skipIf(kafka.missing)('against a broker', () => {
  eventLogSuite(
    'kafka',
    async () => {
      const prefix = `${uniqueName(import.meta.filename)}.`;
      const brokers = kafka.address.split(',');
      return {
        repeats: true,
        open: () =>
          openKafkaLog({
            endpoint: { brokers },
            prefix,
            retry: { firstMs: 20, maxMs: 1000 },
            sessionTimeoutMs: 6000,
            onError: () => undefined,
            onNotice: () => undefined,
          }),
        async remove() {
          const { Admin } = await kafkaDriver();
          const admin = new Admin({ clientId: 'suite', bootstrapBrokers: brokers });
          const topics = (await admin.listTopics()).filter((name) => name.startsWith(prefix));
          if (topics.length > 0) await admin.deleteTopics({ topics });
          const groups = [...(await admin.listGroups()).keys()].filter((name) => name.startsWith(prefix));
          if (groups.length > 0) await admin.deleteGroups({ groups });
          await admin.close();
        },
      };
    },
    'real',
  );
});
