import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeClock, wallClock } from '../testing/fake-clock.ts';
import { dial } from './dial.ts';

/** Accepts connections and says nothing, so that a TLS handshake never ends. */
let server: Server;
let port: number;
beforeEach(async () => {
  server = createServer((socket) => socket.on('error', () => undefined).resume());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no TCP address');
  port = address.port;
});
afterEach(async () => {
  if (server.listening) await new Promise((resolve) => server.close(resolve));
});

const options = (signal = new AbortController().signal) => ({ clock: wallClock, timeoutMs: 5_000, signal });
const tls = { minVersion: 'TLSv1.2' } as const;
const refused = { code: 'refused', kind: 'transient', scope: 'destination' };

describe('a connection', () => {
  it('is handed over with no listeners left on it', async () => {
    const socket = await dial({ host: '127.0.0.1', port }, options());
    expect(['error', 'close'].map((event) => socket.listenerCount(event))).toEqual([0, 0]);
    socket.destroy();
  });

  it('that is refused is the destination’s error, and says where and why', async () => {
    await new Promise((resolve) => server.close(resolve));
    await expect(dial({ host: '127.0.0.1', port }, options())).rejects.toMatchObject({
      ...refused,
      message: `connecting to 127.0.0.1:${port}: ECONNREFUSED`,
    });
  });

  it('is given up when the TLS handshake takes too long', async () => {
    const clock = fakeClock();
    const dialing = dial({ host: '127.0.0.1', port, tls }, { ...options(), clock });
    dialing.catch(() => undefined);
    await once(server, 'connection');
    clock.advance(5_001);
    await expect(dialing).rejects.toMatchObject({ ...refused, message: expect.stringMatching(/: ETIMEDOUT$/) });
  });

  it('is given up when the signal aborts, before it began or in the middle', async () => {
    await expect(dial({ host: '127.0.0.1', port }, options(AbortSignal.abort()))).rejects.toMatchObject(refused);
    const stop = new AbortController();
    const dialing = dial({ host: '127.0.0.1', port, tls }, options(stop.signal));
    dialing.catch(() => undefined);
    const [farEnd] = (await once(server, 'connection')) as [Socket];
    stop.abort();
    await expect(dialing).rejects.toMatchObject(refused);
    if (!farEnd.destroyed) await once(farEnd, 'close');
  });

  it('is not made where a certificate file is missing', async () => {
    const missing = { ...tls, caFile: '/no/such/authority.pem' };
    await expect(dial({ host: '127.0.0.1', port, tls: missing }, options())).rejects.toMatchObject({
      ...refused,
      message: expect.stringMatching(/: ENOENT$/),
    });
  });
});
