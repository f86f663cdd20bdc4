import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import { type IPublishPacket, type Packet, parser } from 'mqtt-packet';
import type { EndpointOf } from '../../../core/endpoint.ts';

export type PublishOptions = NonNullable<Parameters<MqttClient['publishAsync']>[2]>;

/** A real broker as somebody else uses it: with the client of the package `mqtt`, which nothing of ours is made of. */
export class TestBroker implements AsyncDisposable {
  readonly #url: URL;
  readonly #clients: MqttClient[] = [];
  #publisher: Promise<MqttClient> | undefined;

  constructor({ address }: { readonly address: string }) {
    this.#url = new URL(address);
  }

  get port(): number {
    return Number(this.#url.port);
  }

  /** What an environment file would say of it. */
  endpoint(port = this.port): { readonly kind: 'mqtt' } & EndpointOf<'mqtt'> {
    const { hostname: host, username: user, password } = this.#url;
    return { kind: 'mqtt', host, port, user, password };
  }

  /** A client of its own that lives until the test ends; it connects again by itself, and sends again what it has no answer to. */
  async client(options: IClientOptions = {}): Promise<MqttClient> {
    const { username, password } = this.#url;
    const all = { protocolVersion: 5, username, password, reconnectPeriod: 100, connectTimeout: 5_000 } as const;
    const client = await connectAsync(`mqtt://${this.#url.host}`, { ...all, ...options });
    client.on('error', () => undefined);
    this.#clients.push(client);
    return client;
  }

  /** Makes the session that a source will have, so that what is published before it connects is kept for it. */
  async session(clientId: string, ...topics: readonly string[]): Promise<void> {
    const properties = { sessionExpiryInterval: 86_400 };
    const client = await this.client({ clientId, clean: false, properties });
    await client.subscribeAsync([...topics], { qos: 1 });
    await client.endAsync();
  }

  /** Resolves when the broker has acknowledged them, published one after the other. */
  async send(topic: string, texts: readonly string[], options: PublishOptions = {}): Promise<void> {
    const client = await this.publisher();
    await Promise.all(texts.map((text) => client.publishAsync(topic, text, { qos: 1, ...options })));
  }

  publisher(): Promise<MqttClient> {
    this.#publisher ??= this.client();
    return this.#publisher;
  }

  /** What comes on these topics from now on, what is retained there first. */
  async listen(...topics: readonly string[]): Promise<IPublishPacket[]> {
    const heard: IPublishPacket[] = [];
    const client = await this.client();
    client.on('message', (_topic, _payload, packet) => void heard.push(packet));
    if (topics.length > 0) await client.subscribeAsync([...topics], { qos: 1 });
    return heard;
  }

  /** The retained message of a topic; undefined where it has none. */
  async retained(topic: string): Promise<string | undefined> {
    const client = await this.client();
    const heard: string[] = [];
    const echoed = Promise.withResolvers<void>();
    client.on('message', (_topic, payload) => {
      if (payload.toString() === 'echo') echoed.resolve();
      else heard.push(payload.toString());
    });
    await client.subscribeAsync(topic, { qos: 1 });
    // What is published to itself comes after what was retained.
    const echo = `${topic}/echo/${crypto.randomUUID()}`;
    await client.subscribeAsync(echo, { qos: 1 });
    await client.publishAsync(echo, 'echo', { qos: 1 });
    await echoed.promise;
    await client.endAsync();
    return heard[0];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.endAsync(true).catch(() => undefined)));
  }
}

/** Stands between a client and the broker, notes what goes through, and can break the network. */
export class Wire implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** By the client's end of each connection, the broker's. */
  readonly #brokers = new Map<Socket, Socket>();
  readonly #stranded = new Set<Socket>();
  #held = false;
  /** Payloads that have come from the broker with QoS 1, and their acknowledgements by the client, in their order. */
  readonly published: string[] = [];
  readonly acknowledged: string[] = [];
  /** Packets of the client, by kind. */
  readonly sent: Packet['cmd'][] = [];
  connections = 0;

  static async to(port: number): Promise<Wire> {
    const server = createServer();
    const wire = new Wire(server, port);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return wire;
  }

  private constructor(server: Server, port: number) {
    this.#server = server;
    server.on('connection', (client) => this.#join(client, connect(port, '127.0.0.1')));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Breaks every connection off, as a switch that loses its power and comes back. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Nothing goes through any more, and nobody is told: half-open connections. */
  hold(): void {
    this.#held = true;
  }

  /** The client's ends break, and the broker is not told: it finds out when the same client connects again. */
  strand(): void {
    for (const [client, broker] of this.#brokers) {
      this.#stranded.add(broker);
      client.resetAndDestroy();
    }
  }

  release(): void {
    this.#held = false;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #join(client: Socket, broker: Socket): void {
    this.connections += 1;
    this.#brokers.set(client, broker);
    client.on('close', () => this.#brokers.delete(client));
    const open = new Map<number, string>();
    const fromBroker = parser({ protocolVersion: 5 });
    fromBroker.on('packet', (packet) => {
      if (packet.cmd !== 'publish' || packet.qos === 0) return;
      this.published.push(packet.payload.toString());
      open.set(packet.messageId!, packet.payload.toString());
    });
    const fromClient = parser({ protocolVersion: 5 });
    fromClient.on('packet', (packet) => {
      this.sent.push(packet.cmd);
      if (packet.cmd === 'puback') this.acknowledged.push(open.get(packet.messageId!) ?? 'unknown');
    });
    this.#pipe(client, broker, (bytes) => fromClient.parse(bytes));
    this.#pipe(broker, client, (bytes) => fromBroker.parse(bytes));
  }

  #pipe(from: Socket, to: Socket, note: (bytes: Buffer) => void): void {
    this.#sockets.add(from);
    from.on('data', (bytes: Buffer) => {
      if (this.#held) return;
      note(bytes);
      to.write(bytes);
    });
    from.on('error', () => undefined);
    from.on('close', () => {
      this.#sockets.delete(from);
      if (!this.#held && !this.#stranded.has(to)) to.destroy();
    });
  }
}
