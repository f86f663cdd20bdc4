import type { ConfirmChannel, Options } from 'amqplib';
import type { EndpointOf } from '../../core/endpoint.ts';
import { HubError } from '../../core/errors.ts';
import { rabbitError } from './errors.ts';
import { Link, type LinkOptions } from './link.ts';
import { declare, type Topology } from './topology.ts';

/** Properties of a message and what the broker is to do with it. */
export type PublicationOptions = Options.Publish;

/** A message as it goes to the broker. Two with the same id are the same message, with the same bytes. */
export interface Publication {
  readonly id: string;
  readonly exchange: string;
  readonly routingKey: string;
  readonly content: Buffer;
  readonly options: PublicationOptions;
}

/**
 * What became of a publication. `returned`: no queue gets it. `refused`: a queue does not take it now. `too-large`: longer than the
 * broker takes. `lost`: the channel ended before the broker confirmed it.
 */
export type Confirmation =
  | { readonly status: 'confirmed' | 'returned' | 'refused' | 'too-large' }
  | { readonly status: 'lost'; readonly error: HubError };

interface Pending {
  readonly bytes: number;
  readonly done: Promise<Confirmation>;
  readonly settle: (confirmation: Confirmation) => void;
  returned: boolean;
}

/** One connection with one channel on which the broker confirms what it has taken. It is lost once and for all. */
export class Publisher {
  readonly #link: Link;
  readonly #channel: ConfirmChannel;
  readonly #pending = new Map<string, Pending>();

  private constructor(link: Link, channel: ConfirmChannel) {
    this.#link = link;
    this.#channel = channel;
    channel.on('return', ({ properties }) => {
      const pending = this.#pending.get(String(properties.messageId));
      if (pending) pending.returned = true;
    });
    channel.on('error', (thrown) => this.#fail(thrown));
    // Where it ends with its connection, that says why at once after it.
    channel.on('close', () => queueMicrotask(() => link.destroy()));
    link.lost.addEventListener('abort', () => this.#lose(link.lost.reason as HubError), { once: true });
  }

  /** Throws HubError, transient, scope destination, that names the setting that is wrong, where that can be told. */
  static async open(
    endpoint: EndpointOf<'rabbitmq'>,
    topology: Topology | undefined,
    options: LinkOptions,
  ): Promise<Publisher> {
    const link = await Link.open(endpoint, options);
    const give = (): void => link.destroy();
    options.signal.addEventListener('abort', give, { once: true });
    const cancel = options.clock.timer(options.timeoutMs, give);
    try {
      const channel = await link.model.createConfirmChannel();
      // What it ends with is told by the command that it answers.
      channel.on('error', () => undefined);
      if (topology) await declare(channel, topology);
      return new Publisher(link, channel);
    } catch (thrown) {
      link.destroy();
      throw rabbitError(thrown, 'opening a channel at RabbitMQ');
    } finally {
      cancel();
      options.signal.removeEventListener('abort', give);
    }
  }

  /** Aborts when nothing can be published here any more; the reason is a HubError. */
  get lost(): AbortSignal {
    return this.#link.lost;
  }

  /** The broker takes nothing for now. */
  get blocked(): boolean {
    return this.#link.blocked;
  }

  /** Calls `told` when the broker says that it takes nothing for now; the result ends that. */
  onBlocked(told: () => void): () => void {
    this.#link.model.on('blocked', told);
    return () => void this.#link.model.off('blocked', told);
  }

  /** Published, and not done with. */
  get open(): number {
    return this.#pending.size;
  }

  /** Whoever published it knows what became of it. */
  done(publication: Publication): void {
    this.#pending.delete(publication.id);
  }

  /**
   * Publishes it, unless that was done and nobody waited for what became of it: a message that is written again, because its writer
   * had to give up, gets the confirmation of the first time, and does not go a second time. Throws HubError `encode-failed`, permanent,
   * where AMQP cannot hold its properties.
   */
  publish(publication: Publication): Promise<Confirmation> {
    const { id, exchange, routingKey, content, options } = publication;
    const known = this.#pending.get(id);
    if (known) return known.done;
    const { promise: done, resolve } = Promise.withResolvers<Confirmation>();
    const pending: Pending = { bytes: content.length, done, settle: resolve, returned: false };
    this.#pending.set(id, pending);
    try {
      this.#channel.publish(exchange, routingKey, content, options, (refused) => {
        // At the end of the channel this comes for all of them; why it has ended is told elsewhere.
        if (this.lost.aborted || refused?.message === 'channel closed') return;
        if (refused) pending.settle({ status: 'refused' });
        else pending.settle({ status: pending.returned ? 'returned' : 'confirmed' });
      });
    } catch (thrown) {
      if (this.lost.aborted) pending.settle({ status: 'lost', error: this.lost.reason as HubError });
      else {
        this.#pending.delete(id);
        const what = 'writing the message for RabbitMQ: its properties are not what AMQP can hold';
        throw new HubError('encode-failed', 'permanent', what, { cause: thrown });
      }
    }
    return done;
  }

  async close(): Promise<void> {
    await this.#link.close();
  }

  /** Breaks the connection off. */
  destroy(reason: HubError): void {
    this.#link.destroy(reason);
  }

  /** The broker has ended the channel over something that was published. */
  #fail(thrown: Error): void {
    // 406 "message size 3000 is larger than configured max size 2000"
    const size = /message size (\d+) is larger/.exec(thrown.message)?.[1];
    if (size !== undefined)
      for (const pending of this.#pending.values())
        if (pending.bytes === Number(size)) pending.settle({ status: 'too-large' });
    const error = rabbitError(thrown, 'sending to RabbitMQ', {
      403: 'the user may not write to the exchange: its rights at the broker, or exchange',
      404: 'there is no such exchange: exchange, or declare',
      406: 'the broker does not take a message as it is',
    });
    this.#link.destroy(error);
  }

  #lose(error: HubError): void {
    for (const pending of this.#pending.values()) pending.settle({ status: 'lost', error });
  }
}
