import { afterAll, describe, expect, it } from 'vitest';
import { testDatabase } from '../../../clients/postgres/testing/database.ts';
import { openPostgresStore } from '../../../connectors/postgres/message-store/postgres-store.ts';
import { recordingLog } from '../../../core/testing/contexts.ts';
import { workplace } from '../../testing/hub-process.ts';
import { openFolder } from '../offline/folder.ts';
import { splitTopics } from './split-topics.ts';

const database = await testDatabase(import.meta.filename);
afterAll(() => database[Symbol.asyncDispose]());

describe.skipIf(database.missing)('weir check --connect with a store in PostgreSQL', () => {
  it('warns where another hub has it open, topics are read, and each hub has an event log of its own', async () => {
    const { password: _, ...server } = database.server;
    const endpoint = { kind: 'postgres', ...server, password: '${file:../../password.txt}' };
    const store = 'hub: b\nstore: { postgres: { endpoint: database } }\n';
    const alarms = 'services: { alarms: {} }\n';
    await using place = await workplace({
      'password.txt': database.server.password ?? '',
      'channels/env/test.yaml': `endpoints: { database: ${JSON.stringify(endpoint)}, brokers: { kind: kafka, brokers: ['127.0.0.1:9'] } }\n`,
    });
    const warnings = async (settings: string) => {
      await place.write({ 'weir.yaml': settings });
      const config = `${place.directory}/weir.yaml`;
      const folder = await openFolder({ config, channels: `${place.directory}/channels`, env: 'test' });
      const opened = [{ endpoint: 'database', kind: 'postgres', result: 'ok', detail: '' }] as const;
      return (await splitTopics(folder, folder.environment.endpoints, opened, 10_000)).map(({ detail }) => detail);
    };
    expect(await warnings(store + alarms)).toEqual([]);
    const options = { server: database.server, schema: 'weir', now: Date.now, log: recordingLog().log };
    await using other = await openPostgresStore({ ...options, hub: 'a', maxBacklogBytes: 1024 ** 3 });
    await other.shared!.leases.renew([], 60_000);
    expect(await warnings(store + alarms)).toEqual([
      'hub a shares the store, and each hub has an event log of its own: the service alarms would see only what one hub publishes; events.kafka gives them one',
    ]);
    expect(await warnings(store)).toEqual([]);
    expect(await warnings(`${store}${alarms}events: { kafka: { endpoint: brokers } }\n`)).toEqual([]);
    expect(await warnings((store + alarms).replace('hub: b', 'hub: a'))).toEqual([]);
  });
});
