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
  /** What waits for words from a client. */
  readonly #listening = new Map<string, () => void>();
  /** What comes on connections that are held up, and reaches the server when it is delivered. */
  readonly #held = new Map<Socket, Buffer[]>();
  readonly #listener: ReturnType<typeof createServer>;
  readonly #sockets = new Set<Socket>();
  readonly #servers = new Set<Socket>();

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

  /** Keeps what clients send on the connections that they have, whatever becomes of these: a network that is slow beyond all patience. */
  hold(): void {
    for (const server of this.#servers) this.#held.set(server, []);
  }

  /** Resolves when the server has read all that was held, and closed those connections. */
  async deliver(): Promise<void> {
    const held = [...this.#held];
    this.#held.clear();
    await Promise.all(
      held.map(async ([server, chunks]) => {
        const closed = once(server, 'close');
        for (const chunk of chunks) server.write(chunk);
        server.end();
        server.resume();
        await closed;
      }),
    );
  }

  /** Resolves when a client sends these words in one piece. */
  saw(words: string): Promise<void> {
    return new Promise((resolve) => this.#listening.set(words, resolve));
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
    this.#servers.add(server);
    server.on('close', () => this.#servers.delete(server));
    let committing: CutAt | undefined;
    let pieces = 0;
    const end = () => {
      client.destroy();
      if (!this.#held.has(server)) server.destroy();
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
      for (const [words, seen] of this.#listening) if (chunk.includes(words)) seen();
      const held = this.#held.get(server);
      if (held) {
        held.push(chunk);
        return;
      }
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
