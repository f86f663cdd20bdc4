import { createServer, type Server, type Socket } from 'node:net';
import type { TcpListener } from '../component.ts';

/** A listener on 127.0.0.1 as a source gets it from the runtime; disposing of it also destroys the connections it took. */
export interface LoopbackListener extends TcpListener, AsyncDisposable {}

/** Resolves when it listens; port 0 takes a free one. Connections made while nobody handles wait here, paused. */
export async function loopbackListener(port = 0): Promise<LoopbackListener> {
  const sockets = new Set<Socket>();
  const waiting: Socket[] = [];
  let handler: ((socket: Socket) => void) | undefined;
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    if (handler) handler(socket);
    else waiting.push(socket);
  });
  await listening(server, port);
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no TCP address');
  return {
    host: '127.0.0.1',
    port: address.port,
    handle(next) {
      handler = next;
      for (const socket of waiting.splice(0)) next(socket);
      return {
        [Symbol.dispose]: () => {
          if (handler === next) handler = undefined;
        },
      };
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      if (server.listening) await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
}
