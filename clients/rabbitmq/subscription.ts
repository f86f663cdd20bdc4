import type { Channel, ConsumeMessage } from 'amqplib';
import type { EndpointOf } from '../../core/endpoint.ts';
import { HubError } from '../../core/errors.ts';
import { rabbitError } from './errors.ts';
import { Link, type LinkOptions } from './link.ts';
import { declare, type Topology } from './topology.ts';

/** A message as the broker hands it over. */
export type { ConsumeMessage } from 'amqplib';

export interface SubscriptionOptions extends LinkOptions {
  readonly queue: string;
  /** Messages that the broker hands over before it has an answer to one of them. */
  readonly prefetch: number;
  readonly topology: Topology | undefined;
}

/**
 * One connection that reads one queue. It is lost once and for all; what had no answer until then the broker gives out again. Answers
 * that come after that go nowhere.
 */
export class Subscription {
  readonly #link: Link;
  readonly #channel: Channel;
  #tag = '';
  /** Never more than the prefetch. */
  #waiting: ConsumeMessage[] = [];
  #wake: () => void = () => undefined;
  #cancelled = false;

  private constructor(link: Link, channel: Channel, queue: string) {
    this.#link = link;
    this.#channel = channel;
    channel.on('error', (thrown) => link.destroy(rabbitError(thrown, `reading the queue ${queue}`, meanings)));
    // Where it ends with its connection, that says why at once after it.
    channel.on('close', () => queueMicrotask(() => link.destroy()));
    link.lost.addEventListener('abort', () => this.#wake(), { once: true });
  }

  /** Throws HubError, transient, scope destination, that names the setting that is wrong, where that can be told. */
  static async open(endpoint: EndpointOf<'rabbitmq'>, options: SubscriptionOptions): Promise<Subscription> {
    const { queue, prefetch, topology, signal, clock, timeoutMs } = options;
    const link = await Link.open(endpoint, options);
    const give = (): void => link.destroy();
    signal.addEventListener('abort', give, { once: true });
    const cancel = clock.timer(timeoutMs, give);
    try {
      const channel = await link.model.createChannel();
      const subscription = new Subscription(link, channel, queue);
      if (topology) await declare(channel, topology);
      await channel.prefetch(prefetch);
      const { consumerTag } = await channel.consume(queue, (message) => subscription.#arrived(message, queue));
      subscription.#tag = consumerTag;
      return subscription;
    } catch (thrown) {
      link.destroy();
      throw rabbitError(thrown, `reading the queue ${queue}`, meanings);
    } finally {
      cancel();
      signal.removeEventListener('abort', give);
    }
  }

  get lost(): AbortSignal {
    return this.#link.lost;
  }

  /**
   * What has arrived, as soon as there is something; nothing once `signal` has aborted. Rejects with a HubError, transient, when the
   * subscription is lost.
   */
  async next(signal: AbortSignal): Promise<readonly ConsumeMessage[]> {
    const wake = (): void => this.#wake();
    signal.addEventListener('abort', wake, { once: true });
    try {
      while (!signal.aborted) {
        this.lost.throwIfAborted();
        if (this.#waiting.length > 0) return this.#waiting.splice(0);
        const woken = Promise.withResolvers<void>();
        this.#wake = woken.resolve;
        await woken.promise;
      }
      return [];
    } finally {
      signal.removeEventListener('abort', wake);
    }
  }

  ack(message: ConsumeMessage): void {
    if (!this.lost.aborted) this.#channel.ack(message);
  }

  /** The broker gives it to the queue’s dead-letter exchange, or drops it where the queue has none. */
  refuse(message: ConsumeMessage): void {
    if (!this.lost.aborted) this.#channel.nack(message, false, false);
  }

  /** The broker puts it back where it was, as far as it can, and gives it out again at once. */
  putBack(message: ConsumeMessage): void {
    if (!this.lost.aborted) this.#channel.nack(message, false, true);
  }

  /** Nothing is read any more, not even what has arrived; answers still go out. */
  async cancel(): Promise<void> {
    this.#cancelled = true;
    this.#waiting = [];
    if (!this.lost.aborted) await this.#channel.cancel(this.#tag).catch(() => undefined);
  }

  /** After every answer has gone out. What has none goes back to the queue. */
  async close(): Promise<void> {
    await this.#link.close();
  }

  destroy(): void {
    this.#link.destroy();
  }

  #arrived(message: ConsumeMessage | null, queue: string): void {
    if (message === null) {
      const text = `reading the queue ${queue}: the broker has ended it: the queue was deleted, or its node is away`;
      this.#link.destroy(new HubError('connection-lost', 'transient', text, { scope: 'destination' }));
    } else if (!this.#cancelled) {
      this.#waiting.push(message);
      this.#wake();
    }
  }
}

const meanings: Readonly<Record<number, string>> = {
  403: 'the user may not read it, or another program reads it alone: its rights at the broker, or queue',
  404: 'there is no such queue: queue, or declare',
  405: 'it belongs to another connection: queue',
  406: 'the broker has ended it: a message had no answer for too long (consumer_timeout)',
};
