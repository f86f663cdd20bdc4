/** A hub that stands on PostgreSQL and Kafka, in a process of its own; and what it says where it cannot. */
import { connect } from 'node:net';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { testDatabase } from '../clients/postgres/testing/database.ts';
import { freePort } from '../core/testing/free-port.ts';
import { service, uniqueName } from '../core/testing/services.ts';
import { type HubProcess, hubProcess, startArguments, weir, workplace } from './testing/hub-process.ts';

const database = await testDatabase(import.meta.filename);
const kafka = await service('kafka', import.meta.filename);

afterAll(() => database[Symbol.asyncDispose]());

let open = new AsyncDisposableStack();
afterEach(async () => {
  await open.disposeAsync();
  open = new AsyncDisposableStack();
});

function ask(port: number, controlId: string): Promise<string> {
  const message = `MSH|^~\\&|EHR|H|WEIR|H|20260301120000||ADT^A01^ADT_A01|${controlId}|P|2.5.1\rPID|1||4711^^^H^MR||DOE^JANE\r`;
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`\x0b${message}\x1c\r`));
    socket.once('data', (data) => {
      socket.destroy();
      resolve(data.toString());
    });
    socket.once('error', reject);
  });
}

interface Channels {
  readonly channels: readonly {
    readonly channel: string;
    readonly counts: { readonly received: number; readonly sent: number };
  }[];
}

const counts = async (hub: HubProcess, channel: string) =>
  (await hub.get<Channels>('/api/channels')).channels.find((each) => each.channel === channel)?.counts;

describe.skipIf(database.missing || kafka.missing)('a hub on PostgreSQL and Kafka', () => {
  it('stores, publishes, reads what it published, and goes on after a restart', async () => {
    const { host, user, password, ...at } = database.server;
    const port = await freePort();
    const topic = `${uniqueName(import.meta.filename)}.patient`;
    const place = open.use(
      await workplace({
        'weir.yaml': `store: { postgres: { endpoint: database } }\nevents: { kafka: { endpoint: brokers, replication: 1 } }\nhub: one\n`,
        'password.txt': password ?? '',
        'channels/env/test.yaml': `endpoints:
  in: { kind: tcp-listen, listen: ${port} }
  archive: { kind: directory, path: '\${stateDir}/archive' }
  brokers: { kind: kafka, brokers: ['${kafka.address}'] }
  database: { kind: postgres, host: ${host}, port: ${at.port}, database: ${at.database}, user: ${user}, password: '\${file:../../password.txt}' }
`,
        'channels/adt.channel.yaml': `channel: adt\nsource: { mllp: { endpoint: in } }\nkey: ['PID-3[5=MR]']\ndestinations: { events: { to: { publish: { topic: ${topic} } } } }\n`,
        'channels/kept.channel.yaml': `channel: kept\nsource: { events: { topic: ${topic} } }\nformat: hl7v2\ndestinations: { file: { to: { file: { endpoint: archive } } } }\n`,
      }),
    );
    const first = await hubProcess(place);
    expect(await ask(port, 'A1')).toContain('MSA|AA|A1');
    await expect.poll(() => counts(first, 'kept'), { timeout: 30_000 }).toMatchObject({ received: 1, sent: 1 });
    await first[Symbol.asyncDispose]();
    const second = open.use(await hubProcess(place));
    expect(await ask(port, 'A2')).toContain('MSA|AA|A2');
    await expect.poll(() => counts(second, 'kept'), { timeout: 30_000 }).toMatchObject({ received: 2, sent: 2 });
    expect(await counts(second, 'adt')).toMatchObject({ received: 2, sent: 2 });
  }, 120_000);
});

describe('a hub without what weir.yaml names', () => {
  it.each([
    [
      'no such endpoint',
      'store: { postgres: { endpoint: databse } }\n',
      'the environment has no endpoint databse – did you mean database?',
    ],
    ['another kind', 'events: { kafka: { endpoint: database } }\n', 'endpoint database is of kind postgres, not kafka'],
    ['nobody there', 'store: { postgres: { endpoint: database } }\n', 'ECONNREFUSED'],
  ])('%s: one line, exit 1', async (_what, settings, says) => {
    const place = open.use(
      await workplace({
        'weir.yaml': settings,
        'channels/env/test.yaml': `endpoints:\n  database: { kind: postgres, host: 127.0.0.1, port: ${await freePort()}, database: weir, user: weir }\n`,
      }),
    );
    const { code, err } = await weir([...startArguments(place.directory), '--config', `${place.directory}/weir.yaml`]);
    expect({ code, err }).toMatchObject({ code: 1, err: expect.stringContaining(says) });
    expect(err.trim().split('\n')).toHaveLength(1);
  });
});
