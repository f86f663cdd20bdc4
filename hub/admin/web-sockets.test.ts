import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import express from 'express';
import { afterEach, expect, it, onTestFinished, vi } from 'vitest';
import { type LiveReport, LocalBus } from '../live/live-bus.ts';
import { tokenCheck } from './access.ts';
import { liveRoutes } from './live-routes.ts';
import { acceptWebSockets, asksForWebSocket } from './web-sockets.ts';

afterEach(() => void vi.useRealTimers());

/** The peer is the WebSocket of Node itself, or a bare connection. */
async function served(token?: string) {
  const bus = new LocalBus();
  const readers: unknown[] = [];
  const app = express()
    .use(tokenCheck(token))
    .use((request, _response, next) => {
      readers.push([request.get('weir-actor'), request.get('weir-reason')]);
      next();
    })
    .use('/api', liveRoutes(bus));
  const server = createServer({ shouldUpgradeCallback: asksForWebSocket }, app);
  const webSockets = acceptWebSockets(server, app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const end = async () => {
    webSockets[Symbol.dispose]();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  onTestFinished(end);
  const { port } = server.address() as AddressInfo;
  const look = (protocols: string[] = []): WebSocket => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/api/live`, protocols);
    onTestFinished(() => socket.close());
    return socket;
  };
  /** The answer of HTTP to a request for a WebSocket; 101 where it is given one. */
  const asked = async (headers: Record<string, string> = {}, path = '/api/live'): Promise<number | undefined> => {
    const all = { ...handshake, ...headers };
    const request = httpRequest({ host: '127.0.0.1', port, path, headers: all, agent: false });
    request.end();
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    request.once('response', resolve).once('error', reject);
    request.once('upgrade', (response, socket) => {
      socket.destroy();
      resolve(response);
    });
    return (await promise).statusCode;
  };
  /** A connection that has shaken hands, and neither reads nor answers from then on. */
  const silent = async (): Promise<Socket> => {
    const socket = connect(port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    const lines = Object.entries({ Host: `127.0.0.1:${port}`, ...handshake }).map((line) => line.join(': '));
    socket.write(`GET /api/live HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
    expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1.1 101 /);
    return socket.pause();
  };
  return { bus, readers, look, asked, silent, end, port };
}

const handshake = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
};
const report = (name: string): LiveReport => ({ hub: name, at: 1, shared: false, channels: [] });

it('tells the same events as the stream, and forgets who has gone', async () => {
  const { bus, look } = await served();
  const socket = look();
  const got: unknown[] = [];
  socket.addEventListener('message', ({ data }) => got.push(JSON.parse(data)));
  await vi.waitFor(() => expect(bus.wanted).toBe(true));
  bus.publish(report('one'));
  await vi.waitFor(() => expect(got).toHaveLength(2));
  expect(got).toEqual([
    { event: 'bus', data: { through: 'hub', state: 'connected', dropped: 0 } },
    { event: 'message', data: { hub: 'one', at: 1, shared: false, channels: [] } },
  ]);
  socket.close();
  await vi.waitFor(() => expect(bus.wanted).toBe(false));
});

it('takes what a page cannot set as headers from the protocols that it offers', async () => {
  const { readers, look } = await served('s/cret=');
  const protocols = ['weir.live.v1', `bearer.${encodeURIComponent('s/cret=')}`, 'actor.ute', 'reason.ward%20round'];
  const socket = look(protocols);
  await once(socket, 'open');
  expect(socket.protocol).toBe('weir.live.v1');
  expect(readers).toEqual([['ute', 'ward%20round']]);
});

it('is guarded as every other address', async () => {
  const { asked, bus, port } = await served('secret');
  expect(await asked()).toBe(401);
  expect(await asked({ 'Sec-WebSocket-Protocol': 'weir.live.v1, bearer.wrong' })).toBe(401);
  const authorization = 'Bearer secret';
  expect(await asked({ authorization })).toBe(101);
  expect(await asked({ authorization }, '/api/nothing')).toBe(404);
  expect(await asked({ authorization, origin: 'https://elsewhere.example' })).toBe(403);
  expect(await asked({ authorization, origin: 'null' })).toBe(403);
  expect(await asked({ authorization, origin: `http://127.0.0.1:${port}` })).toBe(101);
  await vi.waitFor(() => expect(bus.wanted).toBe(false));
});

it('answers what offers another protocol as if it offered none', async () => {
  const { port } = await served();
  const headers = { Connection: 'Upgrade', Upgrade: 'h2c' };
  const request = httpRequest({ port, path: '/api/live', headers });
  request.end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  expect([response.statusCode, response.headers['content-type']]).toEqual([200, 'text/event-stream; charset=utf-8']);
  request.destroy();
});

it('refuses the 51st viewer, and counts none that failed to shake hands or has gone', async () => {
  const { asked, silent } = await served();
  for (let at = 0; at < 60; at++) expect(await asked({ 'Sec-WebSocket-Key': 'short' })).toBe(400);
  const viewers = await Promise.all(Array.from({ length: 50 }, silent));
  expect(await asked()).toBe(503);
  viewers[0]!.destroy();
  await vi.waitFor(async () => expect(await asked()).toBe(101));
});

it('lets go of somebody who does not answer', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const { bus, look, asked, silent } = await served();
  const socket = look();
  const got: unknown[] = [];
  socket.addEventListener('message', ({ data }) => got.push(data));
  const gone = await silent();
  await vi.waitFor(() => expect(got).toHaveLength(1));
  vi.advanceTimersByTime(15_000);
  bus.publish(report('one'));
  await vi.waitFor(() => expect(got).toHaveLength(2));
  // The answer to a ping that was sent before this message is there before this one's.
  await asked();
  const closed = once(gone.resume(), 'close');
  vi.advanceTimersByTime(15_000);
  await closed;
  expect(socket.readyState).toBe(WebSocket.OPEN);
});

it('does not keep what a viewer does not read', async () => {
  const { bus, silent } = await served();
  await silent();
  const before = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed;
  const name = 'x'.repeat(100_000);
  for (let at = 0; at < 2_000; at++) bus.publish(report(name));
  expect(process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed - before).toBeLessThan(80 * 1024 ** 2);
});

it('says that it goes when the hub ends', async () => {
  const { look, end } = await served();
  const socket = look();
  await once(socket, 'open');
  const closed = once(socket, 'close');
  await end();
  expect(((await closed)[0] as CloseEvent).code).toBe(1001);
});
