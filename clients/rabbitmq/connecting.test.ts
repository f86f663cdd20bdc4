import { chmodSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endpointKinds } from '../../core/endpoint.ts';
import { type Certificates, certificates, missingOpenssl } from '../../core/net/testing/certificates.ts';
import { wallClock } from '../../core/testing/fake-clock.ts';
import { freePort } from '../../core/testing/free-port.ts';
import { type OwnService, ownService } from '../../core/testing/services.ts';
import { Link } from './link.ts';
import { reachNodes } from './reach.ts';

const own = await ownService('rabbitmq', import.meta.filename);
const missing = own.missing ?? missingOpenssl();

describe.skipIf(missing)('connecting to a broker with TLS and a login', () => {
  let tls: Certificates;
  let server: OwnService;
  let ours: ReturnType<Certificates['issue']>;
  beforeAll(async () => {
    tls = certificates();
    ours = tls.issue('hub');
    const broker = tls.issue('broker');
    // The broker runs as somebody else.
    chmodSync(dirname(broker.keyFile), 0o755);
    chmodSync(broker.keyFile, 0o644);
    server = await own.start({
      settings: {
        'listeners.ssl.1': '127.0.0.1:{port:tls}',
        'ssl_options.cacertfile': tls.caFile,
        'ssl_options.certfile': broker.certFile,
        'ssl_options.keyfile': broker.keyFile,
        'ssl_options.verify': 'verify_peer',
        'ssl_options.fail_if_no_peer_cert': 'true',
      },
    });
  }, 60_000);
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    tls?.[Symbol.dispose]();
  });

  function endpoint(port: 'amqp' | 'tls', rest: object = {}) {
    const { username: user, password } = new URL(server.address);
    return endpointKinds.rabbitmq.parse({ nodes: [`127.0.0.1:${server.ports[port]}`], user, password, ...rest });
  }
  const trusted = (more: object = {}) => ({ tls: { caFile: tls.caFile, ...more } });
  const reach = (to: ReturnType<typeof endpoint>) => reachNodes(to, wallClock, 3000);

  it('gets in plain, and with TLS and a certificate of its own', async () => {
    expect(await reach(endpoint('amqp'))).toMatch(/^RabbitMQ \d+\.\d+\.\d+, logged in to \/$/);
    expect(await reach(endpoint('tls', trusted(ours)))).toMatch(/^RabbitMQ /);
  });

  it('takes the next node where one does not answer', async () => {
    const nodes = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${server.ports.amqp}`];
    expect(await reach(endpoint('amqp', { nodes }))).toMatch(/^RabbitMQ /);
  });

  const mistakes: readonly (readonly [string, () => ReturnType<typeof endpoint>, RegExp])[] = [
    ['a wrong password', () => endpoint('amqp', { password: 'wrong' }), /does not accept user, or its password/],
    ['an unknown user', () => endpoint('amqp', { user: 'nobody' }), /does not accept user/],
    ['an unknown virtual host', () => endpoint('amqp', { vhost: 'nobody' }), /no such vhost.*: vhost/],
    [
      'a certificate where it takes none for a login',
      () => endpoint('tls', { ...trusted(ours), user: undefined, password: undefined }),
      /takes no certificate in place of user and password: user/,
    ],
    ['no TLS where it is wanted', () => endpoint('tls'), /where it wants tls/],
    ['TLS where there is none', () => endpoint('amqp', trusted()), /does not speak TLS on this port: nodes, or tls/],
    ['an authority that it does not know', () => endpoint('tls', { tls: ours }), /tls\.caFile/],
    ['no certificate of ours', () => endpoint('tls', trusted()), /tls\.certFile|wants tls/],
    [
      'another name in the certificate',
      () => endpoint('tls', trusted({ ...ours, serverName: 'other' })),
      /tls\.serverName/,
    ],
    [
      'a file that is not there',
      () => endpoint('tls', { tls: { caFile: '/no/such/file.pem' } }),
      /tls\.caFile cannot be read: ENOENT/,
    ],
  ];
  it.for(mistakes)('names the setting: %s', async ([, wrong, names]) => {
    const thrown = await reach(wrong()).catch((error: unknown) => error);
    expect(thrown).toMatchObject({ name: 'HubError', kind: 'transient', scope: 'destination' });
    expect((thrown as Error).message).toMatch(names);
    expect((thrown as Error).message).not.toContain('wrong');
  });

  it('says where nothing listens', async () => {
    await expect(reach(endpoint('amqp', { nodes: [`127.0.0.1:${await freePort()}`] }))).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });

  it('gives up on a broker that takes the connection and says nothing', async () => {
    await server.pause('rabbitmq');
    const reached = reachNodes(endpoint('amqp'), wallClock, 300);
    await expect(reached)
      .rejects.toMatchObject({ code: 'reply-timeout' })
      .finally(() => server.resume('rabbitmq'));
  });

  it('is broken off in time where the broker has stopped to answer', async () => {
    const signal = new AbortController().signal;
    const link = await Link.open(endpoint('amqp'), { name: 'test', clock: wallClock, timeoutMs: 3000, signal });
    await server.pause('rabbitmq');
    const began = performance.now();
    await link.close().finally(() => server.resume('rabbitmq'));
    expect(performance.now() - began).toBeLessThan(20_000);
    expect(link.lost.aborted).toBe(true);
  });
});

it('takes no password without a user, and nobody without either', () => {
  const nodes = ['rabbit:5672'];
  expect(endpointKinds.rabbitmq.safeParse({ nodes, password: 'x' }).success).toBe(false);
  expect(endpointKinds.rabbitmq.safeParse({ nodes }).success).toBe(false);
});
