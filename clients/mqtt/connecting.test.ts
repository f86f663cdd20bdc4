import { chmodSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { endpointKinds } from '../../core/endpoint.ts';
import { type Certificates, certificates, missingOpenssl } from '../../core/net/testing/certificates.ts';
import { wallClock } from '../../core/testing/fake-clock.ts';
import { freePort } from '../../core/testing/free-port.ts';
import { type OwnService, ownService } from '../../core/testing/services.ts';
import { passing } from './errors.ts';
import { reachBroker } from './reach.ts';

const own = await ownService('mosquitto', import.meta.filename);
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
        // A second listener, beside the plain one of the same name.
        'listener ': '{port:tls} 127.0.0.1',
        cafile: tls.caFile,
        certfile: broker.certFile,
        keyfile: broker.keyFile,
        require_certificate: 'true',
      },
    });
  }, 60_000);
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    tls?.[Symbol.dispose]();
  });

  function endpoint(port: 'mosquitto' | 'tls', rest: object = {}) {
    const { username: user, password } = new URL(server.address);
    return endpointKinds.mqtt.parse({ host: '127.0.0.1', port: server.ports[port], user, password, ...rest });
  }
  const trusted = (more: object = {}) => ({ tls: { caFile: tls.caFile, ...more } });
  const reach = (to: ReturnType<typeof endpoint>) => reachBroker(to, wallClock, 3000);

  it('gets in plain, and with TLS and a certificate of its own', async () => {
    expect(await reach(endpoint('mosquitto'))).toMatch(/^MQTT 5 at 127\.0\.0\.1:\d+, takes \d+ messages at once$/);
    expect(await reach(endpoint('tls', trusted(ours)))).toMatch(/^MQTT 5 /);
  });

  const mistakes: readonly (readonly [string, () => ReturnType<typeof endpoint>, RegExp])[] = [
    ['a wrong password', () => endpoint('mosquitto', { password: 'wrong' }), /does not accept user, or its password$/],
    ['an unknown user', () => endpoint('mosquitto', { user: 'nobody' }), /does not accept user/],
    ['no user', () => endpoint('mosquitto', { user: undefined, password: undefined }), /does not accept user/],
    ['no TLS where it is wanted', () => endpoint('tls'), /where it wants tls$/],
    [
      'TLS where there is none',
      () => endpoint('mosquitto', trusted()),
      /does not speak TLS on this port: port, or tls$/,
    ],
    ['an authority that it does not know', () => endpoint('tls', { tls: ours }), /tls\.caFile/],
    ['no certificate of ours', () => endpoint('tls', trusted()), /tls\.certFile|wants tls/],
    [
      'another name in the certificate',
      () => endpoint('tls', trusted({ ...ours, serverName: 'other' })),
      /tls\.serverName$/,
    ],
    [
      'a file that is not there',
      () => endpoint('tls', { tls: { caFile: '/no/such/file.pem' } }),
      /tls\.caFile cannot be read: ENOENT$/,
    ],
  ];
  it.for(mistakes)('names the setting: %s', async ([, wrong, names]) => {
    const thrown = await reach(wrong()).catch((error: unknown) => error);
    expect(thrown).toMatchObject({ name: 'HubError', kind: 'transient', scope: 'destination' });
    expect((thrown as Error).message).toMatch(names);
    expect((thrown as Error).message).not.toContain('wrong');
  });

  it('says where nothing listens, and tries again', async () => {
    const thrown = await reach(endpoint('mosquitto', { port: await freePort() })).catch((error: unknown) => error);
    expect(thrown).toMatchObject({ code: 'refused', message: expect.stringContaining('ECONNREFUSED') });
    expect(passing(thrown as never)).toBe(true);
  });

  it('gives up on a broker that takes the connection and says nothing', async () => {
    await server.pause('mosquitto');
    const reached = reachBroker(endpoint('mosquitto'), wallClock, 300);
    await expect(reached)
      .rejects.toMatchObject({ code: 'reply-timeout' })
      .finally(() => server.resume('mosquitto'));
  });
});

const greetings = [
  ['knows no MQTT 5', Buffer.from([0x20, 0x02, 0x00, 0x01]), /does not speak MQTT 5/],
  ['is no broker', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), /no MQTT packet|broke/],
] as const;
it.for(greetings)('says so where what answers %s', async ([, greeting, text]) => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.end(greeting);
  });
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const listening = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', () => listening.resolve());
  await listening.promise;
  const { port } = server.address() as { readonly port: number };
  const endpoint = endpointKinds.mqtt.parse({ host: '127.0.0.1', port });
  await expect(reachBroker(endpoint, wallClock, 2000)).rejects.toMatchObject({ message: expect.stringMatching(text) });
});

it('takes no password without a user', () => {
  expect(endpointKinds.mqtt.safeParse({ host: 'broker', password: 'x' }).success).toBe(false);
  expect(endpointKinds.mqtt.safeParse({ host: 'broker' }).success).toBe(true);
});
