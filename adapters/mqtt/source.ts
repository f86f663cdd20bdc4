import { destinationError, mqttError, passing } from '../../clients/mqtt/errors.ts';
import { type Received, Subscription } from '../../clients/mqtt/subscription.ts';
import { type TopicPattern, topicPattern } from '../../clients/mqtt/topic-pattern.ts';
import type { ConnectionState } from '../../core/component.ts';
import type { EndpointOf } from '../../core/endpoint.ts';
import { HubError } from '../../core/errors.ts';
import type { Arrival } from '../../core/message.ts';
import type { Receipt } from '../../core/outcome.ts';
import type { Delivery, Intake, Life, Source, SourceContext } from '../../core/source.ts';
import { type ArrivalOptions, arrivalOf } from './arrival.ts';

export interface MqttSourceOptions extends ArrivalOptions {
  readonly endpoint: string;
  readonly subscriptions: readonly { readonly topic: string; readonly qos: 0 | 1 }[];
  readonly clientId?: string | undefined;
  readonly sessionExpiryMs: number;
  readonly receiveMaximum: number;
  readonly maxMessageBytes: number;
  readonly retained: 'drop' | 'take';
  readonly keepAliveMs: number;
  readonly connectTimeoutMs: number;
}

/** Throws HubError, transient, where nothing can be read before somebody changes something; what passes is tried again here. */
export function mqttSource(options: MqttSourceOptions, context: SourceContext): Source {
  return { run: (intake, life) => new TopicReader(options, context, intake, life).run() };
}

/** With jitter, half to all of it. */
const firstPauseMs = 1_000;
const longestPauseMs = 30_000;
const firstStorePauseMs = 250;
/** A message whose sender is to send it again is asked for so much later. */
const askAgainAfterMs = 5_000;

interface Taken {
  readonly message: Received;
  readonly arrival: Arrival;
}

class TopicReader {
  readonly #options: MqttSourceOptions;
  readonly #context: SourceContext;
  readonly #intake: Intake;
  readonly #halt: AbortSignal;
  /** Nothing more is read. */
  readonly #stop: AbortSignal;
  readonly #refused = new AbortController();
  readonly #endpoint: EndpointOf<'mqtt'>;
  readonly #patterns: readonly TopicPattern[];
  readonly #clientId: string;
  readonly #halted = Promise.withResolvers<void>();
  #subscription: Subscription | undefined;
  #connected = 0;
  /** Handed over, and without a receipt. */
  #open = 0;
  #settled: () => void = () => undefined;
  #state: ConnectionState | undefined;

  constructor(options: MqttSourceOptions, context: SourceContext, intake: Intake, { drain, halt }: Life) {
    this.#options = options;
    this.#context = context;
    this.#intake = intake;
    this.#halt = halt;
    this.#stop = AbortSignal.any([drain, halt, this.#refused.signal]);
    this.#endpoint = context.endpoint('mqtt', options.endpoint);
    this.#patterns = options.subscriptions.map(({ topic }) => topicPattern(topic));
    this.#clientId = options.clientId ?? `weir-${context.channel}`;
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
        const began = this.#context.clock.monotonic();
        try {
          await this.#readUntilLost(subscription);
        } finally {
          // Two clients with one id end each other’s connections as soon as they have them: that is no success.
          if (this.#context.clock.monotonic() - began > longestPauseMs) failures = 0;
        }
      } catch (thrown) {
        if (this.#stop.aborted) break;
        const error = mqttError(thrown, 'reading from MQTT');
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
    const { subscriptions, sessionExpiryMs, receiveMaximum, maxMessageBytes, retained, keepAliveMs } = this.#options;
    const subscription = await Subscription.open(this.#endpoint, {
      clientId: this.#clientId,
      clock: this.#context.clock,
      timeoutMs: this.#options.connectTimeoutMs,
      signal: this.#stop,
      keepAliveMs,
      sessionExpiryMs,
      receiveMaximum,
      maximumPacketSize: maxMessageBytes,
      retained: retained === 'take',
      filters: this.#patterns.map(({ filter }, at) => ({ topic: filter, qos: subscriptions[at]!.qos })),
    });
    this.#subscription = subscription;
    if (this.#halt.aborted) subscription.destroy();
    this.#context.count('mqtt_connections_total');
    this.#checkSession(subscription);
    this.#report('reading');
    return subscription;
  }

  /** Nobody can get back what a broker has thrown away with a session: all that is left is to tell. */
  #checkSession({ continued, sessionExpiryMs }: Subscription): void {
    const { log } = this.#context;
    if (!continued && this.#connected > 0) {
      this.#context.count('mqtt_sessions_lost_total');
      log.warn({}, 'reading from MQTT: the broker has no session any more: what was published meanwhile may be lost');
    }
    if (this.#connected === 0 && sessionExpiryMs < this.#options.sessionExpiryMs)
      log.warn(
        { sessionExpiryMs },
        'reading from MQTT: the broker keeps a session for a shorter time: sessionExpiryMs',
      );
    this.#connected += 1;
  }

  async #readUntilLost(subscription: Subscription): Promise<void> {
    try {
      while (!this.#stop.aborted) {
        const messages = await subscription.next(this.#stop);
        if (messages.length > 0) await this.#handOver(subscription, this.#wanted(subscription, messages));
      }
      subscription.cancel();
      await this.#allSettled(subscription.lost);
      if (!this.#halt.aborted) await subscription.close();
    } finally {
      subscription.destroy();
    }
  }

  /** Those that are for the channel; the others are acknowledged, and counted. */
  #wanted(subscription: Subscription, messages: readonly Received[]): readonly Taken[] {
    const wanted: Taken[] = [];
    for (const message of messages) {
      const arrival = arrivalOf(message, this.#patterns, this.#options);
      if (arrival && !(message.packet.retain && this.#options.retained === 'drop')) wanted.push({ message, arrival });
      else {
        // The session still has a subscription that the configuration has not any more.
        this.#context.count(arrival ? 'mqtt_retained_dropped_total' : 'mqtt_unasked_dropped_total');
        subscription.ack(message);
      }
    }
    return wanted;
  }

  /**
   * Returns once they are stored, so that none overtakes one that was not. What the store does not take stays here, unacknowledged,
   * and is handed over again: the broker gives nothing out a second time on one connection.
   */
  async #handOver(subscription: Subscription, wanted: readonly Taken[]): Promise<void> {
    let left = wanted;
    for (let failures = 0; left.length > 0 && !this.#halt.aborted; failures++) {
      if (failures > 0) {
        this.#report('retrying');
        await this.#pause(firstStorePauseMs * 2 ** Math.min(failures - 1, 10), subscription.lost);
        if (this.#stop.aborted || subscription.lost.aborted) return;
      }
      const delivery = await this.#accepted(left);
      if (!delivery) continue;
      this.#context.count('mqtt_read_total', left.length);
      const handed = left;
      this.#open += handed.length;
      delivery.on(this.#context.ackAfter, (at, receipt) => this.#answer(subscription, handed[at]!.message, receipt));
      const stored = await Promise.race([delivery.receipts('stored'), this.#halted.promise]);
      if (!stored) return;
      left = handed.filter((_, at) => isUnstored(stored[at]!));
    }
    if (!subscription.lost.aborted) this.#report('reading');
  }

  /** Undefined where the store has no room now, or the channel takes nothing any more. */
  async #accepted(wanted: readonly Taken[]): Promise<Delivery | undefined> {
    try {
      const arrivals = wanted.map(({ arrival }) => arrival);
      return await this.#intake.accept(arrivals, this.#halt);
    } catch (thrown) {
      if (this.#halt.aborted) return undefined;
      if (!(thrown instanceof HubError) || thrown.kind !== 'transient') throw thrown;
      if (thrown.code === 'draining') this.#refused.abort();
      else if (this.#state !== 'retrying') this.#context.log.warn({ code: thrown.code }, thrown.message);
      return undefined;
    }
  }

  #answer(subscription: Subscription, message: Received, { outcome, id }: Receipt): void {
    if (outcome.status === 'error' && id !== undefined) {
      if (outcome.error.code === 'cancelled') this.#askAgainLater(subscription);
      else subscription.ack(message);
      this.#context.count('mqtt_refused_total');
    } else if (outcome.status !== 'error' && outcome.status !== 'draining') subscription.ack(message);
    this.#open -= 1;
    if (this.#open === 0) this.#settled();
  }

  /** The broker gives out again what it has no acknowledgement of, but only over a new connection. */
  #askAgainLater(subscription: Subscription): void {
    const what = 'reading from MQTT: a message was withdrawn, and is asked for again over a new connection';
    const { clock } = this.#context;
    clock.timer(askAgainAfterMs, () => subscription.destroy(destinationError('connection-lost', what)));
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
    this.#context.count('mqtt_troubles_total');
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
