/** A hub that stands on PostgreSQL and Kafka, in a process of its own; and what it says where it cannot. */
import { connect } from 'node:net';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { PostgresServer } from '../clients/postgres/server.ts';
import { CuttingProxy } from '../clients/postgres/testing/cutting-proxy.ts';
import { testDatabase } from '../clients/postgres/testing/database.ts';
import { freePort } from '../core/testing/free-port.ts';
import { service, uniqueName } from '../core/testing/services.ts';
import { type HubProcess, hubProcess, startArguments, startingHub, weir, workplace } from './testing/hub-process.ts';

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
  ])('%s: one line, exit 1', async (_what, settings, says) => {
    const place = open.use(
      await workplace({
        'weir.yaml': settings,
        'channels/env/test.yaml':
          'endpoints:\n  database: { kind: postgres, host: 127.0.0.1, port: 5432, database: weir, user: weir }\n',
      }),
    );
    const { code, err } = await weir([...startArguments(place.directory), '--config', `${place.directory}/weir.yaml`]);
    expect({ code, err }).toMatchObject({ code: 1, err: expect.stringContaining(says) });
    expect(err.trim().split('\n')).toHaveLength(1);
  });
});

describe('a hub whose database is away', () => {
  const away = (port: number, { database: name, user, password }: PostgresServer) =>
    workplace({
      'weir.yaml': 'store: { postgres: { endpoint: database } }\nhub: waiting\n',
      'password.txt': password ?? '',
      'channels/env/test.yaml': `endpoints:
  database: { kind: postgres, host: 127.0.0.1, port: ${port}, database: ${name}, user: ${user}, password: '\${file:../../password.txt}' }
`,
    });

  it.skipIf(database.missing)('says why it waits, and starts once the database is there', async () => {
    const proxy = open.use(await CuttingProxy.before(database.server));
    proxy.away();
    const place = open.use(await away(proxy.server.port, database.server));
    const starting = startingHub(place);
    await starting.printing(/opening the message store: the connection broke.*; the hub waits for it/);
    proxy.back();
    await starting.printing(/the message store is open now[\s\S]*up after/);
    starting.process.kill('SIGTERM');
    expect(await starting.exited).toBe(0);
  });

  it('stops at a signal', async () => {
    const place = open.use(await away(await freePort(), { ...database.server, database: 'weir', user: 'weir' }));
    const starting = startingHub(place);
    await starting.printing(/ECONNREFUSED\); the hub waits for it/);
    starting.process.kill('SIGTERM');
    expect(await starting.exited).toBe(0);
    expect(starting.printed()).toMatch(/^stopped; it had not started: opening the message store: .*ECONNREFUSED\)$/m);
  });

  it.skipIf(database.missing)('ends where the database is there and lets nobody in', async () => {
    const place = open.use(await away(database.server.port, { ...database.server, database: 'no_such_database' }));
    const { code, err } = await weir([...startArguments(place.directory), '--config', `${place.directory}/weir.yaml`]);
    expect({ code, err }).toEqual({
      code: 1,
      err: 'weir: opening the message store: the server has no such `database` (3D000)\n',
    });
  });
});
