import { setTimeout as pause } from 'node:timers/promises';
import type { Channel, ChannelModel, GetMessage, Options } from 'amqplib';
import { connect } from 'amqplib';
import type { EndpointOf } from '../../../core/endpoint.ts';
import type { OwnService } from '../../../core/testing/services.ts';

interface Address {
  readonly address: string;
  readonly management: string | undefined;
}

/**
 * Ends a broker in order and starts it again: its virtual hosts, queues and users are on its disk then. What it was told of them it
 * keeps in memory for 2 s and longer, and a kill in that time loses a queue together with the messages that it has confirmed.
 */
export async function writtenDown(server: OwnService): Promise<void> {
  await server.stop('rabbitmq');
  await server.start('rabbitmq');
}

/** A virtual host of one test at a real broker, as somebody else would fill and look at it. */
export class TestBroker implements AsyncDisposable {
  readonly vhost: string;
  readonly #url: URL;
  readonly #management: URL;
  #model: ChannelModel | undefined;
  #channel: Channel | undefined;
  readonly #users: string[] = [];

  static async at(service: Address, vhost: string): Promise<TestBroker> {
    const broker = new TestBroker(service, vhost);
    await broker.#ask('PUT', `/vhosts/${vhost}`);
    await broker.#ask('PUT', `/permissions/${vhost}/${broker.#url.username}`, {
      configure: '.*',
      write: '.*',
      read: '.*',
    });
    return broker;
  }

  private constructor({ address, management }: Address, vhost: string) {
    if (management === undefined) throw new Error('the broker has no management API');
    this.vhost = vhost;
    this.#url = new URL(address);
    this.#management = new URL(management);
  }

  /** What an environment file would say of it. */
  endpoint(): { readonly kind: 'rabbitmq' } & EndpointOf<'rabbitmq'> {
    const { host, username: user, password } = this.#url;
    return { kind: 'rabbitmq', nodes: [host], vhost: this.vhost, user, password };
  }

  /** A channel that is opened again where the broker has ended the one before. */
  async channel(): Promise<Channel> {
    if (this.#channel) return this.#channel;
    if (!this.#model) {
      const { hostname, port, username, password } = this.#url;
      const where = { hostname, port: Number(port), username, password, vhost: this.vhost };
      const model = await connect(where);
      model.on('error', () => undefined);
      model.on('close', () => {
        this.#model = undefined;
        this.#channel = undefined;
      });
      this.#model = model;
    }
    const channel = await this.#model.createConfirmChannel();
    channel.on('error', () => undefined);
    channel.on('close', () => {
      if (this.#channel === channel) this.#channel = undefined;
    });
    this.#channel = channel;
    return channel;
  }

  async queue(name: string, args: Readonly<Record<string, unknown>> = {}): Promise<string> {
    await (await this.channel()).assertQueue(name, { durable: true, arguments: args });
    return name;
  }

  /** Resolves when the broker has confirmed all of them. */
  async send(queue: string, texts: readonly string[], options: Options.Publish = {}): Promise<void> {
    const channel = await this.channel();
    const confirmed = texts.map((text) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const told = (error: unknown): void => (error ? reject(error) : resolve());
      const all = { persistent: true, ...options };
      (channel as Channel & { publish(...args: unknown[]): boolean }).publish('', queue, Buffer.from(text), all, told);
      return promise;
    });
    await Promise.all(confirmed);
  }

  /** Takes everything that waits in a queue, in its order. */
  async take(queue: string): Promise<readonly GetMessage[]> {
    const channel = await this.channel();
    const taken: GetMessage[] = [];
    for (;;) {
      const message = await channel.get(queue, { noAck: true });
      if (!message) return taken;
      taken.push(message);
    }
  }

  async texts(queue: string): Promise<readonly string[]> {
    return (await this.take(queue)).map(({ content }) => content.toString());
  }

  /** Messages in a queue now, those that somebody has and has not acknowledged included. */
  async holding(queue: string): Promise<{ readonly ready: number; readonly unacknowledged: number }> {
    const listed = await this.#ask('GET', `/queues/${this.vhost}?disable_stats=true&enable_queue_totals=true`);
    type Listed = {
      readonly name: string;
      readonly messages_ready?: number;
      readonly messages_unacknowledged?: number;
    };
    const found = (listed as readonly Listed[]).find(({ name }) => name === queue);
    return { ready: found?.messages_ready ?? 0, unacknowledged: found?.messages_unacknowledged ?? 0 };
  }

  /** Breaks off every connection in the virtual host but that of the test itself, as an operator does. */
  async closeConnections(name: string): Promise<number> {
    let closed = 0;
    // The management API learns of connections every few seconds.
    for (let round = 0; round < 100 && closed === 0; round++) {
      const listed = await this.#ask('GET', `/vhosts/${this.vhost}/connections`);
      type Listed = { readonly name: string; readonly client_properties?: { readonly connection_name?: string } };
      for (const each of listed as readonly Listed[]) {
        if (each.client_properties?.connection_name !== name) continue;
        await this.#ask('DELETE', `/connections/${encodeURIComponent(each.name)}`);
        closed += 1;
      }
      if (closed === 0) await pause(100);
    }
    return closed;
  }

  /** A user with the given rights in this virtual host alone. */
  async user(
    name: string,
    password: string,
    rights: { configure: string; write: string; read: string },
  ): Promise<void> {
    await this.#ask('PUT', `/users/${name}`, { password, tags: '' });
    this.#users.push(name);
    await this.#ask('PUT', `/permissions/${this.vhost}/${name}`, rights);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#model?.close().catch(() => undefined);
    for (const name of this.#users) await this.#ask('DELETE', `/users/${name}`).catch(() => undefined);
    await this.#ask('DELETE', `/vhosts/${this.vhost}`).catch(() => undefined);
  }

  async #ask(method: string, path: string, body?: unknown): Promise<unknown> {
    const { username, password, origin } = this.#management;
    const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
    const answer = await fetch(`${origin}/api${path}`, {
      method,
      headers: { authorization, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }
}
