import type { IPublishPacket, ISubackPacket, Packet } from 'mqtt-packet';
import type { EndpointOf } from '../../core/endpoint.ts';
import type { HubError } from '../../core/errors.ts';
import { destinationError, refusal } from './errors.ts';
import { Link, type LinkOptions } from './link.ts';

export interface SubscriptionOptions extends LinkOptions {
  readonly filters: readonly { readonly topic: string; readonly qos: 0 | 1 }[];
  /** Whether retained messages are wanted: with a subscription that the session has not had before, and else never. */
  readonly retained: boolean;
  readonly receiveMaximum: number;
}

/** A message as the broker hands it over. */
export interface Received {
  readonly packet: IPublishPacket;
  /** Nothing more is to be done for it but to tell the broker. */
  answered: boolean;
}

/** Bytes that may wait here before no more is read: of QoS 0 the broker sends as much as it likes. */
const mostBytes = 16 * 1024 * 1024;
const puback = 0x40;
const subscribeId = 1;

/**
 * One connection that reads the topics of a session. It is lost once and for all; what had no acknowledgement until then the broker
 * gives out again. Acknowledgements that come after that go nowhere.
 *
 * The client of the package `mqtt` hands over one message after the other, each after the one before was acknowledged; here the
 * broker's window is used, and what is acknowledged in one turn of the event loop goes out as one write.
 */
export class Subscription {
  #link!: Link;
  readonly #most: number;
  #waiting: Received[] = [];
  #waitingBytes = 0;
  /** Of QoS 1, in the order in which they came; those before `#first` are acknowledged. */
  #held: Received[] = [];
  #first = 0;
  readonly #due: number[] = [];
  #wake: () => void = () => undefined;
  #cancelled = false;
  #subscribed = false;
  readonly #suback = Promise.withResolvers<ISubackPacket>();

  private constructor(receiveMaximum: number) {
    this.#most = 2 * receiveMaximum;
  }

  /** Throws HubError, transient, scope destination, that names the setting that is wrong, where that can be told. */
  static async open(endpoint: EndpointOf<'mqtt'>, options: SubscriptionOptions): Promise<Subscription> {
    const subscription = new Subscription(options.receiveMaximum);
    const link = await Link.open(endpoint, options, (packet) => subscription.#receive(packet));
    subscription.#link = link;
    link.lost.addEventListener('abort', () => subscription.#wake(), { once: true });
    try {
      await subscription.#subscribe(options);
      return subscription;
    } catch (thrown) {
      link.destroy();
      throw thrown;
    }
  }

  get lost(): AbortSignal {
    return this.#link.lost;
  }

  /** The broker still had the session of an earlier connection. */
  get continued(): boolean {
    return this.#link.greeting.sessionPresent;
  }

  /** How long the broker keeps the session. */
  get sessionExpiryMs(): number {
    return this.#link.greeting.sessionExpiryMs;
  }

  /**
   * What has arrived, as soon as there is something; nothing once `signal` has aborted. Rejects with a HubError, transient, when the
   * subscription is lost.
   */
  async next(signal: AbortSignal): Promise<readonly Received[]> {
    const wake = (): void => this.#wake();
    signal.addEventListener('abort', wake, { once: true });
    try {
      while (!signal.aborted) {
        this.lost.throwIfAborted();
        if (this.#waiting.length > 0) return this.#take();
        const woken = Promise.withResolvers<void>();
        this.#wake = woken.resolve;
        await woken.promise;
      }
      return [];
    } finally {
      signal.removeEventListener('abort', wake);
    }
  }

  /** Goes out when all that came before it are acknowledged, too ([MQTT-4.6.0-2]). */
  ack(message: Received): void {
    message.answered = true;
    if (this.lost.aborted) return;
    const before = this.#due.length;
    for (let held = this.#held[this.#first]; held?.answered; held = this.#held[++this.#first])
      this.#due.push(held.packet.messageId!);
    if (before === 0 && this.#due.length > 0) process.nextTick(() => this.#acknowledge());
    if (this.#first > 1_000 && this.#first > this.#held.length / 2) {
      this.#held = this.#held.slice(this.#first);
      this.#first = 0;
    }
  }

  /** Nothing is read any more, not even what has arrived; acknowledgements still go out. */
  cancel(): void {
    this.#cancelled = true;
    this.#waiting = [];
  }

  /** Ends the connection and leaves the session, with what has no acknowledgement, at the broker. */
  async close(): Promise<void> {
    this.#acknowledge();
    await this.#link.close();
  }

  /** Breaks it off. */
  destroy(reason?: HubError): void {
    this.#link.destroy(reason);
  }

  #take(): readonly Received[] {
    const taken = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#link.resume();
    return taken;
  }

  /** PUBACK with reason 0 is its packet id alone (MQTT 5 §3.4.2.1). */
  #acknowledge(): void {
    const ids = this.#due.splice(0);
    if (ids.length === 0) return;
    const bytes = Buffer.allocUnsafe(4 * ids.length);
    for (let at = 0; at < ids.length; at++) {
      bytes[4 * at] = puback;
      bytes[4 * at + 1] = 2;
      bytes.writeUInt16BE(ids[at]!, 4 * at + 2);
    }
    this.#link.write(bytes);
  }

  #receive(packet: Packet): void {
    if (packet.cmd === 'suback') {
      this.#subscribed = true;
      this.#suback.resolve(packet);
    } else if (packet.cmd === 'publish') this.#arrived(packet);
  }

  #arrived(packet: IPublishPacket): void {
    if (this.#cancelled) return;
    const message: Received = { packet, answered: false };
    if (packet.qos > 0) this.#held.push(message);
    this.#waiting.push(message);
    this.#waitingBytes += packet.payload.length;
    // Not before the broker has answered the subscription: its answer comes behind what a session that goes on has to give out, and
    // Mosquitto 2.0 then gives out more than the receive maximum.
    if (this.#subscribed && (this.#waiting.length > this.#most || this.#waitingBytes > mostBytes)) this.#link.pause();
    this.#wake();
  }

  async #subscribe({ filters, retained, signal, clock, timeoutMs }: SubscriptionOptions): Promise<void> {
    const rh = retained ? 1 : 2;
    const subscriptions = filters.map(({ topic, qos }) => ({ topic, qos, nl: false, rap: false, rh }));
    this.#link.write(this.#link.encode({ cmd: 'subscribe', messageId: subscribeId, subscriptions }));
    const failed = Promise.withResolvers<never>();
    const lost = (): void => failed.reject(this.lost.reason);
    const give = (): void => this.#link.destroy();
    const late = (): void => this.#link.destroy(destinationError('reply-timeout', 'subscribing: no answer in time'));
    this.lost.addEventListener('abort', lost, { once: true });
    if (this.lost.aborted) lost();
    signal.addEventListener('abort', give, { once: true });
    const cancel = clock.timer(timeoutMs, late);
    try {
      const { granted } = await Promise.race([this.#suback.promise, failed.promise]);
      for (const [at, { qos }] of filters.entries()) check(Number(granted[at]), qos, `subscriptions.${at}`);
    } finally {
      cancel();
      this.lost.removeEventListener('abort', lost);
      signal.removeEventListener('abort', give);
    }
  }
}

/** @param granted by the broker, in SUBACK (MQTT 5 §3.9.3) */
export function check(granted: number, wanted: 0 | 1, name: string): void {
  const doing = 'subscribing';
  if (granted >= 0x80)
    throw refusal(granted, doing, {
      135: `the user may not read it: its rights at the broker, or ${name}`,
      143: `the broker does not take the topic filter: ${name}`,
      162: `the broker offers no subscriptions with wildcards: ${name}`,
    });
  if (granted < wanted)
    throw destinationError(
      'refused',
      `${doing}: the broker gives QoS ${granted} where ${wanted} is asked: ${name}.qos`,
    );
}
