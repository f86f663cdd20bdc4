import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP proxy that stands for the network between one hub and its database: it can break, and it can be slow to deliver. */
export class Network implements AsyncDisposable {
  readonly #listener: Server;
  readonly #sockets = new Set<Socket>();
  #state: 'up' | 'cut' | 'held' = 'up';

  private constructor(listener: Server, behind: number) {
    this.#listener = listener;
    listener.on('connection', (client) => this.#join(client, behind));
  }

  /** In front of a port of this machine. */
  static async before(port: number): Promise<Network> {
    const listener = createServer({ allowHalfOpen: true });
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    return new Network(listener, port);
  }

  get port(): number {
    return (this.#listener.address() as AddressInfo).port;
  }

  /** Breaks every connection, and takes none until `back`. */
  cut(): void {
    this.#state = 'cut';
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Passes nothing on until `back`, which then delivers all of it, also where its sender has long given up. */
  hold(): void {
    this.#state = 'held';
    for (const socket of this.#sockets) socket.pause();
  }

  back(): void {
    this.#state = 'up';
    for (const socket of this.#sockets) socket.resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#listener.close();
    await once(this.#listener, 'close');
  }

  #join(client: Socket, port: number): void {
    if (this.#state === 'cut') {
      client.destroy();
      return;
    }
    const server = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    this.#pass(client, server);
    this.#pass(server, client);
    if (this.#state === 'held') for (const socket of [client, server]) socket.pause();
  }

  #pass(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.setNoDelay(true);
    from.on('data', (chunk) => {
      if (to.write(chunk)) return;
      from.pause();
      to.once('drain', () => this.#state !== 'held' && from.resume());
    });
    from.on('end', () => to.end());
    from.on('error', () => to.destroy());
    from.on('close', (broken) => {
      this.#sockets.delete(from);
      if (broken || this.#state === 'cut') to.destroy();
    });
  }
}
