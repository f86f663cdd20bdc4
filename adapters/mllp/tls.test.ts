import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Certificates, certificates, missingOpenssl } from '../../core/net/testing/certificates.ts';
import { fakeIntake, positive } from '../../core/testing/fake-intake.ts';
import { framed, numbered, peerOn } from './testing/peer.ts';
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

async function secured(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', ca: readFileSync(made.caFile), ...options });
  open.defer(() => void socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

const withCertificate = () => ({ cert: readFileSync(client.certFile), key: readFileSync(client.keyFile) });

describe.skipIf(missing)('an MLLP source with TLS', () => {
  it('answers over TLS', async () => {
    const { source, intake } = await tlsSource();
    const peer = peerOn(await secured(source.listener.port));
    peer.write(framed(numbered(1)) + framed(numbered(2)));
    expect(await peer.answers(2)).toMatchObject([{ code: 'AA' }, { code: 'AA' }]);
    expect(intake.arrivals[0]!.meta).toMatchObject({ peer: '127.0.0.1' });
  });

  it('survives a client that does not speak it, and one that hangs up during the handshake', async () => {
    const { source } = await tlsSource();
    const plain = connectTcp(source.listener.port, '127.0.0.1');
    plain.on('error', () => undefined);
    plain.write(framed(numbered(1)));
    await once(plain, 'close');
    const rude = connectTcp(source.listener.port, '127.0.0.1');
    await once(rude, 'connect');
    rude.resetAndDestroy();
    await vi.waitFor(() => expect(source.context.counts.mllp_tls_failures_total).toBeGreaterThan(0));
    const peer = peerOn(await secured(source.listener.port));
    peer.write(framed(numbered(1)));
    await peer.answers(1);
  });

  it('with mutual TLS takes a client whose certificate the authority signed', async () => {
    const { source } = await tlsSource({ clientCertificate: 'required', caFile: made.caFile });
    const peer = peerOn(await secured(source.listener.port, withCertificate()));
    peer.write(framed(numbered(1)));
    expect(await peer.answers(1)).toHaveLength(1);
  });

  it('with mutual TLS hears nothing from a client without one', async () => {
    const { source, intake } = await tlsSource({ clientCertificate: 'required', caFile: made.caFile });
    const socket = await secured(source.listener.port);
    const peer = peerOn(socket);
    peer.write(framed(numbered(1)));
    await peer.closed;
    expect(peer.acks).toEqual([]);
    expect(intake.arrivals).toEqual([]);
    expect(source.context.counts.mllp_tls_failures_total).toBe(1);
  });

  it('does not start where it cannot use its files', async () => {
    const tls = { ...server, certFile: `${server.certFile}.missing` };
    const source = await runSource(fakeIntake(), {}, { listen: { tls } });
    await expect(source.ended).rejects.toMatchObject({ code: 'config-invalid', kind: 'permanent' });
    await source.listener[Symbol.asyncDispose]();
  });
});
