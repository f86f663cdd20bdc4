import { isIP } from 'node:net';
import type { ChannelModel, Options, SocketOptions } from 'amqplib';
import type { Clock } from '../../core/component.ts';
import type { EndpointOf } from '../../core/endpoint.ts';
import { HubError } from '../../core/errors.ts';
import { PemFiles } from '../../core/net/pem-files.ts';
import { passing, rabbitError } from './errors.ts';

export interface LinkOptions {
  /** How the broker names the connection in its lists and logs. */
  readonly name: string;
  readonly clock: Clock;
  /** Milliseconds for the connection, TLS and login included. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Seconds between signs of life: a broker that gives none for two to three of them is away. */
const heartbeatSeconds = 10;
const closeMs = 2_000;

/**
 * One connection to a node of the broker. It is lost once and for all when the connection breaks, the broker ends it, or nothing
 * comes for 20 to 30 s; whoever uses it then opens another one.
 */
export class Link {
  readonly model: ChannelModel;
  readonly #clock: Clock;
  readonly #socket: AbortController;
  readonly #lost = new AbortController();
  #blocked = false;
  #error: HubError | undefined;

  private constructor(model: ChannelModel, socket: AbortController, node: string, clock: Clock) {
    this.model = model;
    this.#socket = socket;
    this.#clock = clock;
    const note = (thrown: unknown): void => {
      this.#error ??= rabbitError(thrown, `connected to ${node}`);
    };
    model.on('error', note);
    model.on('blocked', () => {
      this.#blocked = true;
    });
    model.on('unblocked', () => {
      this.#blocked = false;
    });
    model.on('close', (thrown) => {
      if (thrown) note(thrown);
      this.#lose(
        new HubError('connection-lost', 'transient', `connected to ${node}: closed`, { scope: 'destination' }),
      );
      // What ends a connection is still on its way to the broker; a half-open socket is not kept for it.
      clock.timer(closeMs, () => socket.abort());
    });
  }

  /** Tries the nodes in turn. Throws HubError that names the setting that is wrong, where that can be told. */
  static async open(endpoint: EndpointOf<'rabbitmq'>, options: LinkOptions): Promise<Link> {
    let worst: HubError | undefined;
    for (const node of endpoint.nodes) {
      try {
        return await Link.#open(endpoint, node, options);
      } catch (thrown) {
        const error = rabbitError(thrown, `connecting to ${node}`);
        if (!worst || passing(worst)) worst = error;
        if (options.signal.aborted) break;
      }
    }
    throw worst;
  }

  static async #open(endpoint: EndpointOf<'rabbitmq'>, node: string, options: LinkOptions): Promise<Link> {
    options.signal.throwIfAborted();
    const { clock, timeoutMs, signal, name } = options;
    // 30 ms that a hub without RabbitMQ does not spend at its start.
    const { connect, credentials } = await import('amqplib');
    const socket = new AbortController();
    const give = (): void => socket.abort();
    const cancel = clock.timer(timeoutMs, give);
    signal.addEventListener('abort', give, { once: true });
    try {
      const { user, password } = endpoint;
      const socketOptions: SocketOptions & { readonly signal: AbortSignal } = {
        ...(await tlsOptions(endpoint, node)),
        noDelay: true,
        keepAlive: true,
        keepAliveDelay: heartbeatSeconds * 1000,
        clientProperties: { connection_name: name, product: 'weir' },
        credentials: user === undefined ? credentials.external() : credentials.plain(user, password ?? ''),
        signal: socket.signal,
      };
      return new Link(await connect(address(endpoint, node), socketOptions), socket, node, clock);
    } finally {
      cancel();
      signal.removeEventListener('abort', give);
    }
  }

  /** Aborts when nothing can be sent or received any more; the reason is a HubError, transient, scope destination. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** The broker takes no messages for now: memory or disk of one of its nodes has reached the limit. */
  get blocked(): boolean {
    return this.#blocked;
  }

  /** Closes it in order: what was sent before arrives before. Where the broker does not answer, it is broken off after 2 s. */
  async close(): Promise<void> {
    if (!this.lost.aborted) {
      const closing = this.model.close().catch(() => undefined);
      const late = Promise.withResolvers<void>();
      const cancel = this.#clock.timer(closeMs, late.resolve);
      await Promise.race([closing, late.promise]);
      cancel();
    }
    this.destroy();
  }

  /** Breaks it off, because of `reason` where there is one: the broker puts back what was not acknowledged. */
  destroy(reason?: HubError): void {
    this.#error ??= reason;
    this.#lose(new HubError('draining', 'transient', 'connected to RabbitMQ: ended', { scope: 'destination' }));
    this.#socket.abort();
  }

  #lose(fallback: HubError): void {
    if (!this.#lost.signal.aborted) this.#lost.abort(this.#error ?? fallback);
  }
}

function address({ vhost, tls }: EndpointOf<'rabbitmq'>, node: string): Options.Connect {
  const [, host = '', port] = /^\[?([^\]]*?)\]?:(\d+)$/.exec(node) ?? [];
  return {
    protocol: tls ? 'amqps' : 'amqp',
    hostname: host,
    port: Number(port),
    // The driver takes it as it stands in a URL.
    vhost: encodeURIComponent(vhost),
    heartbeat: heartbeatSeconds,
  };
}

async function tlsOptions({ tls }: EndpointOf<'rabbitmq'>, node: string): Promise<SocketOptions> {
  if (!tls) return {};
  const host = node.slice(0, node.lastIndexOf(':'));
  // RFC 6066 §3: an address is no server name; the certificate is checked against it all the same.
  const servername = tls.serverName ?? (isIP(host) === 0 ? host : undefined);
  let pems: Awaited<ReturnType<PemFiles['changed']>>;
  try {
    pems = await new PemFiles({ ca: tls.caFile, cert: tls.certFile, key: tls.keyFile }).changed();
  } catch (thrown) {
    const { code, path } = thrown as NodeJS.ErrnoException;
    const field = Object.entries(tls).find(([, value]) => value === path)?.[0] ?? 'caFile';
    const what = `connecting to ${node}: tls.${field} cannot be read: ${code}`;
    throw new HubError('refused', 'transient', what, { scope: 'destination', cause: thrown });
  }
  return { ...pems, minVersion: tls.minVersion, rejectUnauthorized: true, ...(servername && { servername }) };
}
