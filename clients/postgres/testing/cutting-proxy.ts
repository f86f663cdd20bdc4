import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { PostgresServer } from '../server.ts';

/**
 * Where a connection is cut: when COMMIT comes from the client and has not reached the server; when it has, with what belongs to it,
 * and nobody knows whether it came about; or when the server has answered it and the client has not heard.
 */
export type CutAt = 'before-commit' | 'during-commit' | 'after-commit';

const copyDone = Buffer.from('6300000004', 'hex');

/** A TCP proxy in front of PostgreSQL that breaks connections at the worst moments. */
export class CuttingProxy implements AsyncDisposable {
  /** The database behind the proxy. */
  readonly server: PostgresServer;
  cuts = 0;
  #next: CutAt | undefined;
  #away = false;
  #silent = false;
  readonly #listener: ReturnType<typeof createServer>;
  readonly #sockets = new Set<Socket>();

  private constructor(listener: ReturnType<typeof createServer>, behind: PostgresServer) {
    this.#listener = listener;
    this.server = { ...behind, host: '127.0.0.1', port: (listener.address() as AddressInfo).port };
    listener.on('connection', (client) => this.#join(client, behind));
  }

  static async before(behind: PostgresServer): Promise<CuttingProxy> {
    const listener = createServer();
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    return new CuttingProxy(listener, behind);
  }

  /** Cuts the next COMMIT there. */
  cut(at: CutAt): void {
    this.#next = at;
  }

  /** Breaks every connection, and takes none until `back`. */
  away(): void {
    this.#away = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Passes nothing on any more, and breaks nothing: a network that swallows packets. */
  silence(): void {
    this.#silent = true;
  }

  back(): void {
    this.#away = false;
    this.#silent = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.away();
    this.#listener.close();
    await once(this.#listener, 'close');
  }

  #join(client: Socket, { host, port }: PostgresServer): void {
    if (this.#away) {
      client.destroy();
      return;
    }
    const server = connect(port, host);
    let committing: CutAt | undefined;
    let pieces = 0;
    const end = () => {
      client.destroy();
      server.destroy();
    };
    const cut = () => {
      this.cuts++;
      committing = undefined;
      end();
    };
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      this.#sockets.add(socket);
      socket.on('error', end);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        end();
      });
    }
    client.on('data', (chunk) => {
      if (this.#silent) return;
      if (this.#next && chunk.includes('COMMIT\0')) {
        committing = this.#next;
        this.#next = undefined;
        pieces = chunk.toString('latin1').split('COPY "').length - 1;
        if (committing === 'before-commit') return cut();
      }
      server.write(chunk);
      if (committing !== 'during-commit') return;
      for (let at = chunk.indexOf(copyDone); at >= 0; at = chunk.indexOf(copyDone, at + 1)) pieces--;
      // What was written still goes out; nothing comes back.
      if (pieces <= 0) server.end(() => cut());
    });
    server.on('data', (chunk) => {
      if (this.#silent) return;
      if (committing === 'after-commit' && chunk.includes('COMMIT\0')) return cut();
      client.write(chunk);
    });
  }
}
