import type { IPublishPacket, Packet } from 'mqtt-packet';
import type { EndpointOf } from '../../core/endpoint.ts';
import type { HubError } from '../../core/errors.ts';
import { destinationError } from './errors.ts';
import { Link, type LinkOptions } from './link.ts';

export interface Publication {
  /** The same for every retry. */
  readonly id: string;
  readonly topic: string;
  readonly payload: Buffer;
  readonly retain: boolean;
  readonly properties: NonNullable<IPublishPacket['properties']>;
}

/** How a publication ended: the broker's reason code (MQTT 5 §3.4.2.1), or the connection was lost before. */
export type Confirmation =
  | { readonly status: 'answered'; readonly reasonCode: number }
  | { readonly status: 'too-large' }
  | { readonly status: 'lost'; readonly error: HubError };

export interface PublisherOptions extends LinkOptions {
  /** Messages that may be on their way at once; fewer where the broker takes fewer. */
  readonly inFlight: number;
}

interface Pending {
  readonly done: Promise<Confirmation>;
  readonly settle: (confirmation: Confirmation) => void;
}

const lastPacketId = 65_535;

/**
 * One connection that publishes with QoS 1. It is lost once and for all; what was not answered until then is answered as lost, and may
 * be at the broker or not.
 */
export class Publisher {
  #link!: Link;
  readonly #inFlight: number;
  /** By the id of the publication, until somebody knows what became of it. */
  readonly #pending = new Map<string, Pending>();
  /** On their way, by packet id. */
  readonly #sent = new Map<number, Pending>();
  #packetId = 0;
  readonly #waiters: (() => void)[] = [];

  private constructor(inFlight: number) {
    this.#inFlight = inFlight;
  }

  /** Throws HubError, transient, scope destination, that names the setting that is wrong, where that can be told. */
  static async open(endpoint: EndpointOf<'mqtt'>, options: PublisherOptions): Promise<Publisher> {
    const publisher = new Publisher(options.inFlight);
    const link = await Link.open(endpoint, options, (packet) => publisher.#receive(packet));
    publisher.#link = link;
    link.lost.addEventListener('abort', () => publisher.#lose(link.lost.reason as HubError), { once: true });
    if (link.greeting.maximumQoS < 1) {
      link.destroy();
      throw destinationError('refused', 'connecting: the broker takes no QoS 1 (Maximum QoS 0)');
    }
    return publisher;
  }

  get lost(): AbortSignal {
    return this.#link.lost;
  }

  /** It keeps retained messages. */
  get retains(): boolean {
    return this.#link.greeting.retains;
  }

  /** Published, and not done with. */
  get open(): number {
    return this.#pending.size;
  }

  /** Resolves when another one may be on its way, or nothing can be sent any more. */
  async room(): Promise<void> {
    const most = Math.min(this.#inFlight, this.#link.greeting.receiveMaximum);
    while (this.#sent.size >= most && !this.lost.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiters.push(resolve);
      await promise;
    }
  }

  /** Whoever published it knows what became of it. */
  done({ id }: Publication): void {
    this.#pending.delete(id);
  }

  /**
   * Publishes it, unless that was done and nobody waited for what became of it: a message that is written again, because its writer
   * had to give up, gets the answer of the first time, and does not go a second time.
   */
  publish({ id, topic, payload, retain, properties }: Publication): Promise<Confirmation> {
    const known = this.#pending.get(id);
    if (known) return known.done;
    const messageId = this.#nextPacketId();
    const bytes = this.#link.encode({
      cmd: 'publish',
      qos: 1,
      dup: false,
      retain,
      topic,
      payload,
      messageId,
      properties,
    });
    if (bytes.length > this.#link.greeting.maximumPacketSize) return Promise.resolve({ status: 'too-large' });
    if (this.lost.aborted) return Promise.resolve({ status: 'lost', error: this.lost.reason as HubError });
    const { promise: done, resolve: settle } = Promise.withResolvers<Confirmation>();
    const pending: Pending = { done, settle };
    this.#pending.set(id, pending);
    this.#sent.set(messageId, pending);
    this.#link.write(bytes);
    return done;
  }

  /** Ends the connection: what was sent before arrives before. */
  async close(): Promise<void> {
    await this.#link.close();
  }

  /** Breaks the connection off. */
  destroy(reason: HubError): void {
    this.#link.destroy(reason);
  }

  #nextPacketId(): number {
    do this.#packetId = this.#packetId === lastPacketId ? 1 : this.#packetId + 1;
    while (this.#sent.has(this.#packetId));
    return this.#packetId;
  }

  #receive(packet: Packet): void {
    if (packet.cmd !== 'puback') return;
    const pending = this.#sent.get(packet.messageId!);
    if (!pending) return;
    this.#sent.delete(packet.messageId!);
    pending.settle({ status: 'answered', reasonCode: packet.reasonCode ?? 0 });
    this.#waiters.shift()?.();
  }

  #lose(error: HubError): void {
    for (const pending of this.#sent.values()) pending.settle({ status: 'lost', error });
    for (const wake of this.#waiters.splice(0)) wake();
  }
}
