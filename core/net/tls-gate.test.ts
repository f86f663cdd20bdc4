import { once } from 'node:events';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { tlsServer } from '../endpoint.ts';
import { fakeSourceContext } from '../testing/contexts.ts';
import { loopbackListener } from '../testing/loopback-listener.ts';
import { type Certificates, certificates, missingOpenssl } from './testing/certificates.ts';
import { TlsGate } from './tls-gate.ts';

const missing = missingOpenssl();
if (missing) console.warn(missing);
let made: Certificates;
let server: ReturnType<Certificates['issue']>;
beforeAll(() => {
  if (missing) return;
  made = certificates();
  server = made.issue('server');
});
afterAll(() => made?.[Symbol.dispose]());

let open = new AsyncDisposableStack();
afterEach(async () => {
  await open.disposeAsync();
  open = new AsyncDisposableStack();
});

async function gated(files: ReturnType<Certificates['issue']>) {
  const context = fakeSourceContext();
  const admitted: TLSSocket[] = [];
  const admit = (socket: TLSSocket) => void admitted.push(socket);
  const gate = await TlsGate.open(tlsServer.parse(files), { context, counters: 'gate', admit });
  const listener = open.use(await loopbackListener());
  listener.handle((socket) => void gate.secure(socket));
  return { gate, context, admitted, port: listener.port };
}

async function secured(port: number): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', ca: readFileSync(made.caFile) });
  open.defer(() => void socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

const nameOf = (socket: TLSSocket) => socket.getPeerCertificate().subject.CN;

describe.skipIf(missing)('a TLS gate', () => {
  it('presents a renewed certificate to the next connection, and keeps those that are open', async () => {
    const renewed = made.issue('renewed');
    const [certFile, keyFile] = [`${server.certFile}.live`, `${server.keyFile}.live`];
    copyFileSync(server.certFile, certFile);
    copyFileSync(server.keyFile, keyFile);
    const { context, admitted, port } = await gated({ certFile, keyFile });
    const first = await secured(port);
    expect(nameOf(first)).toBe('server');
    copyFileSync(renewed.certFile, certFile);
    // Caught half-way: the key does not fit yet, so the old certificate goes on.
    expect(nameOf(await secured(port))).toBe('server');
    expect(context.counts.gate_tls_reload_failures_total).toBe(1);
    copyFileSync(renewed.keyFile, keyFile);
    expect(nameOf(await secured(port))).toBe('renewed');
    await vi.waitFor(() => expect(admitted).toHaveLength(3));
    admitted[0]!.write('still there');
    expect(String((await once(first, 'data'))[0])).toBe('still there');
  });

  it('admits no far end that does not speak TLS, and counts it', async () => {
    const { context, admitted, port } = await gated(server);
    const plain = connectTcp(port, '127.0.0.1');
    plain.on('error', () => undefined);
    plain.write('not a handshake');
    await once(plain, 'close');
    await vi.waitFor(() => expect(context.counts.gate_tls_failures_total).toBe(1));
    expect(admitted).toEqual([]);
  });

  it('knows whose handshake is under way, and lets them go when it closes', async () => {
    const { gate, port } = await gated(server);
    const silent = connectTcp(port, '127.0.0.1');
    silent.on('error', () => undefined);
    await vi.waitFor(() => expect(gate.shaking).toBe(1));
    gate.close();
    await once(silent, 'close');
    expect(gate.shaking).toBe(0);
  });

  it('says that it cannot use its files', async () => {
    const broken = `${server.certFile}.broken`;
    writeFileSync(broken, 'no certificate');
    await expect(gated({ ...server, certFile: broken })).rejects.toMatchObject({
      code: 'config-invalid',
      kind: 'permanent',
    });
  });
});
