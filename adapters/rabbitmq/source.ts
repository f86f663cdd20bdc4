import { passing, rabbitError } from '../../clients/rabbitmq/errors.ts';
import { type ConsumeMessage, Subscription } from '../../clients/rabbitmq/subscription.ts';
import type { Topology } from '../../clients/rabbitmq/topology.ts';
import type { ConnectionState } from '../../core/component.ts';
import type { EndpointOf } from '../../core/endpoint.ts';
import { HubError } from '../../core/errors.ts';
import type { Receipt } from '../../core/outcome.ts';
import type { Delivery, Intake, Life, Source, SourceContext } from '../../core/source.ts';
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
const longestPauseMs = 30_000;
/** A message whose sender is to send it again goes back to its queue so much later. */
const putBackAfterMs = 5_000;

class QueueReader {
  readonly #options: RabbitSourceOptions;
  readonly #context: SourceContext;
  readonly #intake: Intake;
  readonly #halt: AbortSignal;
  /** Nothing more is read. */
  readonly #stop: AbortSignal;
  readonly #refused = new AbortController();
  readonly #endpoint: EndpointOf<'rabbitmq'>;
  readonly #halted = Promise.withResolvers<void>();
  #subscription: Subscription | undefined;
  /** Handed over, and without a receipt. */
  #open = 0;
  #settled: () => void = () => undefined;
  #state: ConnectionState | undefined;

  constructor(options: RabbitSourceOptions, context: SourceContext, intake: Intake, { drain, halt }: Life) {
    this.#options = options;
    this.#context = context;
    this.#intake = intake;
    this.#halt = halt;
    this.#stop = AbortSignal.any([drain, halt, this.#refused.signal]);
    this.#endpoint = context.endpoint('rabbitmq', options.endpoint);
  }

  async run(): Promise<void> {
    const halted = (): void => this.#halted.resolve();
    if (this.#halt.aborted) halted();
    else this.#halt.addEventListener('abort', halted, { once: true });
    const reading = this.#read();
    try {
      await Promise.race([reading, this.#halted.promise]);
    } finally {
      this.#halt.removeEventListener('abort', halted);
      // After a halt it ends by itself: nothing of it is awaited, or can reject unheard.
      reading.catch(() => undefined);
      this.#subscription?.destroy();
      this.#report('stopped');
    }
  }

  async #read(): Promise<void> {
    let failures = 0;
    while (!this.#stop.aborted) {
      try {
        const subscription = await this.#subscribe();
        failures = 0;
        await this.#readUntilLost(subscription);
      } catch (thrown) {
        if (this.#stop.aborted) break;
        const error = rabbitError(thrown, `reading the queue ${this.#options.queue}`);
        if (!passing(error)) throw error;
        this.#trouble(error);
        await this.#pause(firstPauseMs * 2 ** Math.min(failures++, 10));
      }
    }
    // Of a connection that is gone: nobody can be answered, but the channel is not done with them.
    await this.#allSettled();
  }

  async #subscribe(): Promise<Subscription> {
    if (this.#state !== 'retrying') this.#report('connecting');
    const { queue, prefetch, declare, connectTimeoutMs: timeoutMs } = this.#options;
    const { channel, clock } = this.#context;
    const name = `weir ${channel}`;
    const link = { name, clock, timeoutMs, signal: this.#stop };
    const subscription = await Subscription.open(this.#endpoint, { queue, prefetch, topology: declare, ...link });
    this.#subscription = subscription;
    if (this.#halt.aborted) subscription.destroy();
    this.#context.count('rabbitmq_connections_total');
    this.#report('reading');
    return subscription;
  }

  async #readUntilLost(subscription: Subscription): Promise<void> {
    try {
      while (!this.#stop.aborted) {
        const messages = await subscription.next(this.#stop);
        if (messages.length > 0) await this.#handOver(subscription, messages);
      }
      await subscription.cancel();
      await this.#allSettled(subscription.lost);
      if (!this.#halt.aborted) await subscription.close();
    } finally {
      subscription.destroy();
    }
  }

  /**
   * Returns once they are stored, so that none overtakes one that was not. What the store does not take stays here, unanswered, and is
   * handed over again: put back it would count as a failed delivery, and a quorum queue gives up a message after a few of those.
   */
  async #handOver(subscription: Subscription, messages: readonly ConsumeMessage[]): Promise<void> {
    let left = messages;
    for (let failures = 0; left.length > 0 && !this.#halt.aborted; failures++) {
      if (failures > 0) {
        this.#report('retrying');
        await this.#pause(firstPauseMs * 2 ** Math.min(failures - 1, 10), subscription.lost);
        if (this.#stop.aborted || subscription.lost.aborted) return;
      }
      const delivery = await this.#accepted(left);
      if (!delivery) continue;
      this.#context.count('rabbitmq_read_total', left.length);
      const handed = left;
      this.#open += handed.length;
      delivery.on(this.#context.ackAfter, (at, receipt) => this.#answer(subscription, handed[at]!, receipt));
      const stored = await Promise.race([delivery.receipts('stored'), this.#halted.promise]);
      if (!stored) return;
      left = handed.filter((_, at) => isUnstored(stored[at]!));
    }
    if (!subscription.lost.aborted) this.#report('reading');
  }

  /** Undefined where the store has no room now, or the channel takes nothing any more. */
  async #accepted(messages: readonly ConsumeMessage[]): Promise<Delivery | undefined> {
    try {
      const arrivals = messages.map((message) => arrivalOf(message, this.#options));
      return await this.#intake.accept(arrivals, this.#halt);
    } catch (thrown) {
      if (this.#halt.aborted) return undefined;
      if (!(thrown instanceof HubError) || thrown.kind !== 'transient') throw thrown;
      if (thrown.code === 'draining') this.#refused.abort();
      else if (this.#state !== 'retrying') this.#context.log.warn({ code: thrown.code }, thrown.message);
      return undefined;
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
    this.#open -= 1;
    if (this.#open === 0) this.#settled();
  }

  /** Its channel was not done with it in time and has withdrawn it: whoever sent it is to send it again, and that is the queue. */
  #putBackLater(subscription: Subscription, message: ConsumeMessage): void {
    this.#context.clock.timer(putBackAfterMs, () => subscription.putBack(message));
  }

  /** Resolves when every receipt is there, or nobody can be answered any more. */
  async #allSettled(lost?: AbortSignal): Promise<void> {
    if (this.#open === 0 || lost?.aborted) return;
    const settled = Promise.withResolvers<void>();
    this.#settled = settled.resolve;
    const over = (): void => settled.resolve();
    lost?.addEventListener('abort', over, { once: true });
    await Promise.race([settled.promise, this.#halted.promise]);
    lost?.removeEventListener('abort', over);
  }

  async #pause(ms: number, lost?: AbortSignal): Promise<void> {
    const woken = Promise.withResolvers<void>();
    const wake = (): void => woken.resolve();
    const signal = lost ? AbortSignal.any([this.#stop, lost]) : this.#stop;
    if (signal.aborted) return;
    signal.addEventListener('abort', wake, { once: true });
    const jitter = 0.5 + this.#context.random() / 2;
    const cancel = this.#context.clock.timer(Math.min(ms, longestPauseMs) * jitter, wake);
    await woken.promise;
    cancel();
    signal.removeEventListener('abort', wake);
  }

  #trouble(error: HubError): void {
    this.#context.count('rabbitmq_troubles_total');
    if (this.#state !== 'retrying') this.#context.log.warn({ code: error.code, kind: error.kind }, error.message);
    this.#report('retrying');
  }

  #report(state: ConnectionState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#context.report(state);
  }
}

/** What is stored is ours, even as an error; what is not has to come again. */
function isUnstored({ id, outcome }: Receipt): boolean {
  return outcome.status === 'error' && id === undefined;
}
