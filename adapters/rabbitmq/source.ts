import { passing, rabbitError } from '../../clients/rabbitmq/errors.ts';
import { type ConsumeMessage, Subscription } from '../../clients/rabbitmq/subscription.ts';
import type { Topology } from '../../clients/rabbitmq/topology.ts';
import type { EndpointOf } from '../../core/endpoint.ts';
import type { Receipt } from '../../core/outcome.ts';
import type { Intake, Life, Source, SourceContext } from '../../core/source.ts';
import { SourceLoop } from '../../core/source-loop.ts';
import { type ArrivalOptions, arrivalOf } from './arrival.ts';

export interface RabbitSourceOptions extends ArrivalOptions {
  readonly endpoint: string;
  readonly queue: string;
  readonly prefetch: number;
  readonly refused: 'reject' | 'ack';
  readonly declare?: Topology | undefined;
  readonly connectTimeoutMs: number;
}

/** Throws HubError, transient, where the queue cannot be read before somebody changes something; what passes is tried again here. */
export function rabbitSource(options: RabbitSourceOptions, context: SourceContext): Source {
  return { run: (intake, life) => new QueueReader(options, context, intake, life).run() };
}

const firstPauseMs = 250;
/** A message whose sender is to send it again goes back to its queue so much later. */
const putBackAfterMs = 5_000;

class QueueReader {
  readonly #options: RabbitSourceOptions;
  readonly #context: SourceContext;
  readonly #loop: SourceLoop;
  readonly #endpoint: EndpointOf<'rabbitmq'>;
  #subscription: Subscription | undefined;

  constructor(options: RabbitSourceOptions, context: SourceContext, intake: Intake, life: Life) {
    this.#options = options;
    this.#context = context;
    this.#loop = new SourceLoop({ context, intake, life, counted: 'rabbitmq' });
    this.#endpoint = context.endpoint('rabbitmq', options.endpoint);
  }

  async run(): Promise<void> {
    await this.#loop.run(
      () => this.#read(),
      () => this.#subscription?.destroy(),
    );
  }

  async #read(): Promise<void> {
    let failures = 0;
    while (!this.#loop.stop.aborted) {
      try {
        const subscription = await this.#subscribe();
        failures = 0;
        await this.#readUntilLost(subscription);
      } catch (thrown) {
        if (this.#loop.stop.aborted) break;
        const error = rabbitError(thrown, `reading the queue ${this.#options.queue}`);
        if (!passing(error)) throw error;
        this.#loop.trouble(error);
        await this.#loop.pauseAfter(failures++, firstPauseMs);
      }
    }
    // Of a connection that is gone: nobody can be answered, but the channel is not done with them.
    await this.#loop.allSettled();
  }

  async #subscribe(): Promise<Subscription> {
    if (!this.#loop.isRetrying) this.#loop.report('connecting');
    const { queue, prefetch, declare, connectTimeoutMs: timeoutMs } = this.#options;
    const { channel, clock } = this.#context;
    const name = `weir ${channel}`;
    const link = { name, clock, timeoutMs, signal: this.#loop.stop };
    const subscription = await Subscription.open(this.#endpoint, { queue, prefetch, topology: declare, ...link });
    this.#subscription = subscription;
    if (this.#loop.halt.aborted) subscription.destroy();
    this.#context.count('rabbitmq_connections_total');
    this.#loop.report('reading');
    return subscription;
  }

  async #readUntilLost(subscription: Subscription): Promise<void> {
    try {
      while (!this.#loop.stop.aborted) {
        const messages = await subscription.next(this.#loop.stop);
        if (messages.length === 0) continue;
        // Put back, a message would count as a failed delivery, and a quorum queue gives it up after a few of those.
        await this.#loop.handOver(
          messages,
          (message) => arrivalOf(message, this.#options),
          (message, receipt) => this.#answer(subscription, message, receipt),
          subscription.lost,
        );
      }
      await subscription.cancel();
      await this.#loop.allSettled(subscription.lost);
      if (!this.#loop.halt.aborted) await subscription.close();
    } finally {
      subscription.destroy();
    }
  }

  #answer(subscription: Subscription, message: ConsumeMessage, receipt: Receipt): void {
    const { outcome, id } = receipt;
    if (outcome.status === 'error' && id !== undefined) {
      if (outcome.error.code === 'cancelled') this.#putBackLater(subscription, message);
      else if (this.#options.refused === 'ack') subscription.ack(message);
      else subscription.refuse(message);
      this.#context.count('rabbitmq_refused_total');
    } else if (outcome.status !== 'error' && outcome.status !== 'draining') subscription.ack(message);
  }

  /** Its channel was not done with it in time and has withdrawn it: whoever sent it is to send it again, and that is the queue. */
  #putBackLater(subscription: Subscription, message: ConsumeMessage): void {
    this.#context.clock.timer(putBackAfterMs, () => subscription.putBack(message));
  }
}
