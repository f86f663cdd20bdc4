import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { brief } from '../../clients/http-client/testing/far-end.ts';
import { patient } from '../../core/testing/destination-suite.ts';
import { destinationTo, message } from './testing/destination.ts';

let open = new AsyncDisposableStack();
afterEach(async () => {
  await open.disposeAsync();
  open = new AsyncDisposableStack();
});

/** A destination to a server that says this to everything, byte for byte. */
async function saying(say: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.once('data', () => say(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.defer(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as { port: number };
  const { destination } = destinationTo(`http://127.0.0.1:${port}`, { replyTimeoutMs: 300 });
  open.use(destination);
  return { destination, sockets };
}

const invalid = 'uncertain reply-invalid transient message';
const silent = 'uncertain reply-timeout transient message';
const head = 'HTTP/1.1 200 OK\r\n';

describe('an HTTP destination whose far end is out of its mind', () => {
  it.each([
    ['what is no HTTP', '\x0bMSH|^~\\&|\x1c\r', invalid],
    ['two lengths', `${head}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`, invalid],
    ['a length and chunks', `${head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, invalid],
    ['broken chunks', `${head}Transfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n`, invalid],
    ['a head that has no end', `${head}X: ${'x'.repeat(200_000)}`, invalid],
    ['ten thousand headers', `${head}${'X: 1\r\n'.repeat(10_000)}\r\n`, invalid],
    [
      'a switch of protocols',
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
      undefined,
    ],
    ['nothing but interim answers', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(100), silent],
    ['a body that never ends', `${head}Content-Length: 100\r\n\r\nhalf`, silent],
  ] as const)('%s is uncertain, and the connection is not used again', async (_, text, expected) => {
    const { destination, sockets } = await saying((socket) => void socket.write(text));
    const [outcome] = brief(await destination.write([message(1)], patient));
    expect(outcome).toMatch(/^uncertain/);
    if (expected) expect(outcome).toBe(expected);
    await expect.poll(() => sockets.size).toBe(0);
  });

  it('a second answer to one request is not taken for that of the next', async () => {
    const ok = `${head}Content-Length: 2\r\n\r\nok`;
    const { destination } = await saying((socket) => {
      socket.write(ok + ok);
      socket.on('data', () => socket.write('HTTP/1.1 500 no\r\nContent-Length: 0\r\n\r\n'));
    });
    expect(brief(await destination.write([message(1)], patient))).toEqual(['sent']);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const second = await destination.write([message(2)], patient);
    expect(second).toEqual([{ status: 'sent', reply: Buffer.from('ok') }]);
  });
});
