import type { Socket } from 'node:net';
import type { IConnackPacket, IConnectPacket, Packet, Parser } from 'mqtt-packet';
import type { Clock } from '../../core/component.ts';
import type { EndpointOf } from '../../core/endpoint.ts';
import type { HubError } from '../../core/errors.ts';
import { dial } from '../../core/net/dial.ts';
import { destinationError, mqttError, refusal } from './errors.ts';

type Packets = typeof import('mqtt-packet');

/** What the broker publishes, retained, when the connection has been lost for so long. */
export interface Will {
  readonly topic: string;
  readonly payload: string;
  readonly delayMs: number;
}

export interface LinkOptions {
  /** By it the broker knows the session; a second connection with it ends the first. */
  readonly clientId: string;
  readonly clock: Clock;
  /** Milliseconds for the connection, TLS and login included. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly keepAliveMs: number;
  /** How long the broker keeps the session, with what was not acknowledged, after the connection; 0 ends it with that. */
  readonly sessionExpiryMs: number;
  /** QoS 1 messages that the broker may send before it has an acknowledgement of one of them. */
  readonly receiveMaximum?: number;
  /** Bytes of a packet; the broker keeps a larger one back. */
  readonly maximumPacketSize?: number;
  readonly will?: Will | undefined;
}

/** What the broker has said of itself and of the session. */
export interface Greeting {
  /** It still has the session of an earlier connection. */
  readonly sessionPresent: boolean;
  readonly sessionExpiryMs: number;
  /** QoS 1 messages that it takes before it has acknowledged one of them. */
  readonly receiveMaximum: number;
  readonly maximumPacketSize: number;
  readonly maximumQoS: number;
  readonly retains: boolean;
}

const closeMs = 2_000;
const v5 = { protocolVersion: 5 } as const;

/**
 * One connection to a broker, in MQTT 5. It is lost once and for all when the connection breaks, the broker ends it, or nothing comes
 * for one and a half times the keep-alive; whoever uses it then opens another one.
 */
export class Link {
  readonly #socket: Socket;
  readonly #packets: Packets;
  readonly #parser: Parser;
  readonly #clock: Clock;
  readonly #where: string;
  readonly #lost = new AbortController();
  #keepAliveMs = 0;
  #heardAt: number;
  #cancelBeat: () => void = () => undefined;
  #paused = false;
  #corked = false;
  #error: HubError | undefined;
  #greeting: Greeting | undefined;

  private constructor(socket: Socket, packets: Packets, clock: Clock, where: string) {
    this.#socket = socket;
    this.#packets = packets;
    this.#clock = clock;
    this.#where = where;
    this.#heardAt = clock.monotonic();
    this.#parser = packets.parser(v5);
    this.#parser.on('error', () => this.#fail(this.#gone('connection-lost', 'the broker sent what is no MQTT packet')));
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 10_000);
    socket.on('error', (thrown) => {
      // A connection that was there breaks for other reasons than one that is being made.
      if (!this.#greeting) this.#error ??= mqttError(thrown, `connecting to ${where}`);
    });
    socket.on('close', () => {
      if (!this.#greeting) this.#lose(mqttError({ code: 'ECONNRESET' }, `connecting to ${where}`));
      else this.#lose(this.#gone('connection-lost', 'the connection broke, or another client has the same clientId'));
    });
    socket.on('data', (bytes: Buffer) => {
      this.#heardAt = clock.monotonic();
      this.#parser.parse(bytes);
    });
  }

  /**
   * Connects and logs in; `receive` gets every packet after the broker's greeting, at once and in order, those of the session that is
   * continued included. Throws HubError, transient, scope destination, that names the setting that is wrong, where that can be told.
   */
  static async open(
    endpoint: EndpointOf<'mqtt'>,
    options: LinkOptions,
    receive: (packet: Packet) => void = () => undefined,
  ): Promise<Link> {
    const { host, port, tls } = endpoint;
    const { clock, timeoutMs, signal } = options;
    const where = `${host}:${port}`;
    const deadline = clock.monotonic() + timeoutMs;
    // A hub without MQTT does not load it at its start.
    const packets = await import('mqtt-packet');
    const socket = await dial({ host, port, tls }, { clock, timeoutMs, signal }).catch((thrown: unknown) => {
      throw mqttError(thrown, `connecting to ${where}`, tls);
    });
    const link = new Link(socket, packets, clock, where);
    const give = (): void => link.destroy();
    signal.addEventListener('abort', give, { once: true });
    const late = (): void => link.#fail(destinationError('reply-timeout', `connecting to ${where}: no answer in time`));
    const cancel = clock.timer(Math.max(1, deadline - clock.monotonic()), late);
    try {
      await link.#greet(endpoint, options, receive);
      return link;
    } catch (thrown) {
      link.destroy();
      throw thrown;
    } finally {
      cancel();
      signal.removeEventListener('abort', give);
    }
  }

  get greeting(): Greeting {
    if (!this.#greeting) throw new Error('a link is handed out after its greeting');
    return this.#greeting;
  }

  /** Aborts when nothing can be sent or received any more; the reason is a HubError, transient, scope destination. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** The bytes of a packet. Throws where it is not one that MQTT 5 can hold. */
  encode(packet: Packet): Buffer {
    return this.#packets.generate(packet, v5);
  }

  /** Sends bytes of whole packets; those of one turn of the event loop go out together. */
  write(bytes: Uint8Array): void {
    if (this.lost.aborted) return;
    if (!this.#corked) {
      this.#corked = true;
      this.#socket.cork();
      process.nextTick(() => {
        this.#corked = false;
        this.#socket.uncork();
      });
    }
    this.#socket.write(bytes);
  }

  /** Reads nothing for now: the broker feels it as a slow network. */
  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#heardAt = this.#clock.monotonic();
    this.#socket.resume();
  }

  /** Ends it in order: what was sent before arrives before, and no will is published. Where the broker does not close, we do after 2 s. */
  async close(): Promise<void> {
    if (!this.lost.aborted) {
      const closed = Promise.withResolvers<void>();
      this.lost.addEventListener('abort', () => closed.resolve(), { once: true });
      this.resume();
      this.write(this.encode({ cmd: 'disconnect', reasonCode: 0 }));
      process.nextTick(() => this.#socket.end());
      const cancel = this.#clock.timer(closeMs, closed.resolve);
      await closed.promise;
      cancel();
    }
    this.destroy();
  }

  /** Breaks it off, because of `reason` where there is one. The broker keeps what was not acknowledged for as long as the session. */
  destroy(reason?: HubError): void {
    this.#fail(reason ?? destinationError('draining', `connected to ${this.#where}: ended`));
  }

  async #greet(endpoint: EndpointOf<'mqtt'>, options: LinkOptions, receive: (packet: Packet) => void): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<IConnackPacket>();
    let greeted = false;
    const handle = (packet: Packet): void => {
      if (packet.cmd === 'connack' && !greeted) {
        greeted = true;
        resolve(packet);
      } else if (packet.cmd === 'disconnect')
        this.#fail(refusal(packet.reasonCode ?? 0x80, `connected to ${this.#where}`));
      else if (packet.cmd !== 'pingresp' && greeted) receive(packet);
    };
    this.#parser.on('packet', handle);
    const lost = (): void => reject(this.lost.reason);
    this.lost.addEventListener('abort', lost, { once: true });
    if (this.lost.aborted) lost();
    this.write(this.encode(connectPacket(endpoint, options)));
    try {
      const answer = await promise;
      const reason = answer.reasonCode ?? answer.returnCode ?? 0;
      if (reason !== 0) throw refusal(reason, `connecting to ${this.#where}`);
      this.#greeting = greetingOf(answer, options);
      const { serverKeepAlive } = answer.properties ?? {};
      this.#keepAliveMs = serverKeepAlive === undefined ? options.keepAliveMs : serverKeepAlive * 1000;
      if (this.#keepAliveMs > 0) this.#beat();
    } finally {
      this.lost.removeEventListener('abort', lost);
    }
  }

  /** A sign of life twice in a keep-alive; while nothing is read here, nothing can be heard. */
  #beat(): void {
    this.#cancelBeat = this.#clock.timer(this.#keepAliveMs / 2, () => {
      if (!this.#paused && this.#clock.monotonic() - this.#heardAt > this.#keepAliveMs * 1.5) {
        this.#fail(this.#gone('connection-lost', 'the broker does not answer any more'));
        return;
      }
      this.write(this.encode({ cmd: 'pingreq' }));
      this.#beat();
    });
  }

  #gone(code: HubError['code'], what: string): HubError {
    return destinationError(code, `connected to ${this.#where}: ${what}`);
  }

  #fail(error: HubError): void {
    this.#lose(error);
    this.#socket.destroy();
  }

  #lose(error: HubError): void {
    this.#cancelBeat();
    if (!this.lost.aborted) this.#lost.abort(this.#error ?? error);
  }
}

function connectPacket({ user, password }: EndpointOf<'mqtt'>, options: LinkOptions): IConnectPacket {
  const { clientId, keepAliveMs, sessionExpiryMs, receiveMaximum, maximumPacketSize, will } = options;
  return {
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 5,
    clientId,
    // A session that is still there goes on.
    clean: false,
    keepalive: Math.max(1, Math.round(keepAliveMs / 1000)),
    ...(user !== undefined && { username: user, password: Buffer.from(password ?? '') }),
    ...(will && { will: willOf(will) }),
    properties: {
      sessionExpiryInterval: Math.ceil(sessionExpiryMs / 1000),
      ...(receiveMaximum !== undefined && { receiveMaximum }),
      ...(maximumPacketSize !== undefined && { maximumPacketSize }),
    },
  };
}

function willOf({ topic, payload, delayMs }: Will): NonNullable<IConnectPacket['will']> {
  const properties = { willDelayInterval: Math.ceil(delayMs / 1000) };
  return { topic, payload: Buffer.from(payload), qos: 1, retain: true, properties };
}

/** Where the broker says nothing, the values of MQTT 5 §3.2.2.3 hold. */
function greetingOf({ sessionPresent, properties = {} }: IConnackPacket, options: LinkOptions): Greeting {
  const { sessionExpiryInterval, receiveMaximum, maximumPacketSize, maximumQoS, retainAvailable } = properties;
  return {
    sessionPresent,
    sessionExpiryMs: sessionExpiryInterval === undefined ? options.sessionExpiryMs : sessionExpiryInterval * 1000,
    receiveMaximum: receiveMaximum ?? 65_535,
    maximumPacketSize: maximumPacketSize ?? Number.POSITIVE_INFINITY,
    maximumQoS: maximumQoS ?? 2,
    retains: retainAvailable ?? true,
  };
}
