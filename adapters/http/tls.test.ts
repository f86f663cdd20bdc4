import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type ConnectionOptions, connect } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { peerOn, post } from '../../clients/http-server/testing/peer.ts';
import { type Certificates, certificates, missingOpenssl } from '../../core/net/testing/certificates.ts';
import { fakeIntake, positive } from '../../core/testing/fake-intake.ts';
import { runSource } from './testing/run-source.ts';

const missing = missingOpenssl();
if (missing) console.warn(missing);
let made: Certificates;
let server: ReturnType<Certificates['issue']>;
let client: ReturnType<Certificates['issue']>;
beforeAll(() => {
  if (missing) return;
  made = certificates();
  server = made.issue('server');
  client = made.issue('client');
});
afterAll(() => made?.[Symbol.dispose]());

let open = new AsyncDisposableStack();
afterEach(async () => {
  await open.disposeAsync();
  open = new AsyncDisposableStack();
});

async function tlsSource(tls: Readonly<Record<string, unknown>> = {}, config = {}) {
  const intake = fakeIntake(() => positive);
  const source = open.use(await runSource(intake, config, { listen: { tls: { ...server, ...tls } } }));
  return { source, intake };
}

async function secured(port: number, options: ConnectionOptions = {}) {
  const socket = connect({ port, host: '127.0.0.1', ca: readFileSync(made.caFile), ...options });
  open.defer(() => void socket.destroy());
  await once(socket, 'secureConnect');
  return peerOn(socket);
}

const withCertificate = () => ({ cert: readFileSync(client.certFile), key: readFileSync(client.keyFile) });

describe.skipIf(missing)('an HTTP source with TLS', () => {
  it('takes requests, large ones too, and keeps the connection', async () => {
    const { source, intake } = await tlsSource();
    const peer = await secured(source.listener.port);
    peer.write(post('a') + post('b'.repeat(1024 ** 2)));
    peer.write(post('c'));
    expect((await peer.answered(3)).map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(intake.arrivals.map(({ raw }) => raw.length)).toEqual([1, 1024 ** 2, 1]);
    expect(intake.arrivals[0]!.meta).toMatchObject({ peer: '127.0.0.1' });
  });

  it('is idle, and makes room for another, when a handshake is all that came', async () => {
    const { source } = await tlsSource({}, { maxConnections: 1 });
    const first = await secured(source.listener.port);
    await vi.waitFor(() => expect(source.context.reported.at(-1)).toEqual({ state: 'connected', connections: 1 }));
    const second = await secured(source.listener.port);
    await first.closed;
    second.write(post('a'));
    await second.answered(1);
  });

  it('with mutual TLS hears those whose certificate the authority signed, and nobody else', async () => {
    const { source, intake } = await tlsSource({ clientCertificate: 'required', caFile: made.caFile });
    const known = await secured(source.listener.port, withCertificate());
    known.write(post('a'));
    await known.answered(1);
    const stranger = await secured(source.listener.port);
    stranger.write(post('b'));
    await stranger.closed;
    expect(intake.arrivals).toHaveLength(1);
    expect(source.context.counts.http_tls_failures_total).toBe(1);
  });

  it('does not answer a sender that does not speak it', async () => {
    const { source, intake } = await tlsSource();
    const peer = await source.connect();
    peer.write(post('a'));
    await peer.closed;
    expect(peer.answers).toEqual([]);
    expect(intake.arrivals).toEqual([]);
  });
});
