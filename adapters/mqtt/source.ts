import { destinationError, mqttError, passing } from '../../clients/mqtt/errors.ts';
import { type Received, Subscription } from '../../clients/mqtt/subscription.ts';
import { type TopicPattern, topicPattern } from '../../clients/mqtt/topic-pattern.ts';
import type { EndpointOf } from '../../core/endpoint.ts';
import type { Arrival } from '../../core/message.ts';
import type { Receipt } from '../../core/outcome.ts';
import type { Intake, Life, Source, SourceContext } from '../../core/source.ts';
import { SourceLoop } from '../../core/source-loop.ts';
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
/** A connection that held for so long was no failure. */
const heldMs = 30_000;
/** A message whose sender is to send it again is asked for so much later. */
const askAgainAfterMs = 5_000;

interface Taken {
  readonly message: Received;
  readonly arrival: Arrival;
}

class TopicReader {
  readonly #options: MqttSourceOptions;
  readonly #context: SourceContext;
  readonly #loop: SourceLoop;
  readonly #endpoint: EndpointOf<'mqtt'>;
  readonly #patterns: readonly TopicPattern[];
  readonly #clientId: string;
  #subscription: Subscription | undefined;
  #connected = 0;

  constructor(options: MqttSourceOptions, context: SourceContext, intake: Intake, life: Life) {
    this.#options = options;
    this.#context = context;
    this.#loop = new SourceLoop({ context, intake, life, counted: 'mqtt' });
    this.#endpoint = context.endpoint('mqtt', options.endpoint);
    this.#patterns = options.subscriptions.map(({ topic }) => topicPattern(topic));
    this.#clientId = options.clientId ?? `weir-${context.channel}`;
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
        const began = this.#context.clock.monotonic();
        try {
          await this.#readUntilLost(subscription);
        } finally {
          // Two clients with one id end each other’s connections as soon as they have them: that is no success.
          if (this.#context.clock.monotonic() - began > heldMs) failures = 0;
        }
      } catch (thrown) {
        if (this.#loop.stop.aborted) break;
        const error = mqttError(thrown, 'reading from MQTT');
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
    const { subscriptions, sessionExpiryMs, receiveMaximum, maxMessageBytes, retained, keepAliveMs } = this.#options;
    const subscription = await Subscription.open(this.#endpoint, {
      clientId: this.#clientId,
      clock: this.#context.clock,
      timeoutMs: this.#options.connectTimeoutMs,
      signal: this.#loop.stop,
      keepAliveMs,
      sessionExpiryMs,
      receiveMaximum,
      maximumPacketSize: maxMessageBytes,
      retained: retained === 'take',
      filters: this.#patterns.map(({ filter }, at) => ({ topic: filter, qos: subscriptions[at]!.qos })),
    });
    this.#subscription = subscription;
    if (this.#loop.halt.aborted) subscription.destroy();
    this.#context.count('mqtt_connections_total');
    this.#checkSession(subscription);
    this.#loop.report('reading');
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
      while (!this.#loop.stop.aborted) {
        const messages = await subscription.next(this.#loop.stop);
        if (messages.length === 0) continue;
        // The broker gives nothing out a second time on one connection.
        await this.#loop.handOver(
          this.#wanted(subscription, messages),
          ({ arrival }) => arrival,
          ({ message }, receipt) => this.#answer(subscription, message, receipt),
          subscription.lost,
        );
      }
      subscription.cancel();
      await this.#loop.allSettled(subscription.lost);
      if (!this.#loop.halt.aborted) await subscription.close();
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

  #answer(subscription: Subscription, message: Received, { outcome, id }: Receipt): void {
    if (outcome.status === 'error' && id !== undefined) {
      if (outcome.error.code === 'cancelled') this.#askAgainLater(subscription);
      else subscription.ack(message);
      this.#context.count('mqtt_refused_total');
    } else if (outcome.status !== 'error' && outcome.status !== 'draining') subscription.ack(message);
  }

  /** The broker gives out again what it has no acknowledgement of, but only over a new connection. */
  #askAgainLater(subscription: Subscription): void {
    const what = 'reading from MQTT: a message was withdrawn, and is asked for again over a new connection';
    const { clock } = this.#context;
    clock.timer(askAgainAfterMs, () => subscription.destroy(destinationError('connection-lost', what)));
  }
}
