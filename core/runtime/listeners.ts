import { createServer, type Server, type Socket } from 'node:net';
import type { TcpListener } from '../component.ts';
import type { Endpoint } from '../endpoint.ts';
import { HubError } from '../errors.ts';

/** Connections that wait while one source takes over from another. */
const maxWaiting = 256;

/** The hub's listening sockets, by endpoint: they outlive the sources behind them (rule 24). */
export class Listeners {
  readonly #open = new Map<string, Promise<OpenListener>>();
  readonly #endpoint: (name: string) => Endpoint | undefined;

  constructor(endpoint: (name: string) => Endpoint | undefined) {
    this.#endpoint = endpoint;
  }

  /** Listens, or answers with the socket that does. Throws HubError `port-in-use` or `config-invalid`. */
  listen(name: string): Promise<TcpListener> {
    const open = this.#open.get(name);
    if (open) return open;
    const endpoint = this.#endpoint(name);
    if (endpoint?.kind !== 'tcp-listen')
      return Promise.reject(
        new HubError(
          'config-invalid',
          'permanent',
          `listening on ${name}: the environment has no tcp-listen endpoint ${name}`,
        ),
      );
    const listener = OpenListener.at(name, endpoint.host, endpoint.listen);
    this.#open.set(name, listener);
    listener.catch(() => this.#open.delete(name));
    return listener;
  }

  async unlisten(names: readonly string[]): Promise<void> {
    for (const name of names) {
      const open = this.#open.get(name);
      this.#open.delete(name);
      await open?.then(
        (listener) => listener.close(),
        () => undefined,
      );
    }
  }

  async close(): Promise<void> {
    await this.unlisten([...this.#open.keys()]);
  }
}

class OpenListener implements TcpListener {
  readonly host: string;
  readonly port: number;
  readonly #server: Server;
  #handler: ((socket: Socket) => void) | undefined;
  #waiting: Socket[] = [];

  private constructor(server: Server, host: string) {
    const address = server.address();
    this.#server = server;
    this.host = host;
    this.port = typeof address === 'object' && address ? address.port : 0;
    server.on('connection', (socket) => this.#connected(socket));
  }

  static at(name: string, host: string, port: number): Promise<OpenListener> {
    return new Promise((resolve, reject) => {
      const server = createServer({ pauseOnConnect: true, noDelay: true });
      server.once('error', (error: NodeJS.ErrnoException) => {
        const reasons: Record<string, string> = {
          EADDRINUSE: 'another program listens there',
          EACCES: 'this user may not listen there',
          EADDRNOTAVAIL: 'this machine does not have that address',
        };
        const code = error.code === 'EADDRINUSE' ? 'port-in-use' : 'config-invalid';
        const why = reasons[error.code ?? ''] ?? error.code ?? 'failed';
        reject(
          new HubError(code, 'permanent', `listening on ${host}:${port} (endpoint ${name}): ${why}`, { cause: error }),
        );
      });
      server.listen({ host, port, backlog: 1_024 }, () => {
        server.removeAllListeners('error');
        server.on('error', () => undefined);
        resolve(new OpenListener(server, host));
      });
    });
  }

  handle(handler: (socket: Socket) => void): Disposable {
    this.#handler = handler;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const socket of waiting) if (!socket.destroyed) handler(socket);
    return {
      [Symbol.dispose]: () => {
        if (this.#handler === handler) this.#handler = undefined;
      },
    };
  }

  #connected(socket: Socket): void {
    if (this.#handler) this.#handler(socket);
    else if (this.#waiting.length < maxWaiting) {
      socket.on('error', () => undefined);
      this.#waiting.push(socket);
    } else socket.destroy();
  }

  close(): Promise<void> {
    for (const socket of this.#waiting) socket.destroy();
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
    });
  }
}
