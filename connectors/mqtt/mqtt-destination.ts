import { destinationError, mqttError } from '../../clients/mqtt/errors.ts';
import { type Publication, Publisher } from '../../clients/mqtt/publisher.ts';
import type { ConnectionState } from '../../core/component.ts';
import type { Destination, DestinationContext, WriteContext, WriteOutcome } from '../../core/destination.ts';
import type { EndpointOf } from '../../core/endpoint.ts';
import { asHubError, HubError } from '../../core/errors.ts';
import type { Outgoing } from '../../core/message.ts';
import { unlessAborted } from '../../core/until.ts';
import type { MqttDestinationConfig } from './config.ts';
import { outcomeOf } from './confirmed.ts';
import { publications } from './publication.ts';

/** Published in batches that were given up, and not written again since: beyond it the connection is made anew. */
const mostOpen = 2_000;
/** With jitter, half to all of it. */
const firstPauseMs = 1_000;
const longestPauseMs = 30_000;
const offlineMs = 1_000;
const doing = 'sending to MQTT';

/** Publishes the messages of a batch together, each acknowledged by itself. */
export class MqttDestination implements Destination<unknown> {
  readonly #config: MqttDestinationConfig;
  readonly #context: DestinationContext;
  readonly #endpoint: EndpointOf<'mqtt'>;
  readonly #publicationOf: (message: Outgoing<unknown>) => Publication;
  readonly #closing = new AbortController();
  #publisher: Publisher | undefined;
  #connecting: Promise<Publisher> | undefined;
  #cancelRetry: () => void = () => undefined;
  #failures = 0;
  #statuses = 0;
  #state: ConnectionState | undefined;

  constructor(config: MqttDestinationConfig, context: DestinationContext) {
    this.#config = config;
    this.#context = context;
    this.#endpoint = context.endpoint('mqtt', config.endpoint);
    this.#publicationOf = publications(config);
    this.#report('idle');
    if (config.status) this.#keepConnected();
  }

  async write(batch: readonly Outgoing<unknown>[], context: WriteContext): Promise<readonly WriteOutcome[]> {
    const stop = AbortSignal.any([context.signal, this.#closing.signal]);
    const untried = batch.map((): WriteOutcome => ({ status: 'untried' }));
    if (stop.aborted || performance.now() > context.notAfter) return untried;
    let publisher: Publisher | undefined;
    try {
      publisher = await unlessAborted(this.#connected(), stop);
    } catch (thrown) {
      if (stop.aborted) return untried;
      const error = mqttError(thrown, doing);
      this.#report('retrying');
      return batch.map(() => ({ status: 'error', error }));
    }
    if (!publisher || stop.aborted || performance.now() > context.notAfter) return untried;
    const outcomes = await this.#publish(publisher, batch, stop, context.notAfter);
    this.#context.count('mqtt_sent_total', outcomes.filter(({ status }) => status === 'sent').length);
    return outcomes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#cancelRetry();
    await this.#connecting?.catch(() => undefined);
    if (this.#publisher && !this.#publisher.lost.aborted) await this.#sayOffline(this.#publisher);
    await this.#publisher?.close();
    this.#report('stopped');
  }

  #connected(): Promise<Publisher> {
    const { lost, open } = this.#publisher ?? {};
    if (this.#publisher && lost?.aborted === false) {
      if (open! <= mostOpen) return Promise.resolve(this.#publisher);
      this.#publisher.destroy(destinationError('connection-lost', `${doing}: too much was given up: connecting anew`));
    }
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  async #connect(): Promise<Publisher> {
    if (this.#state !== 'retrying') this.#report('connecting');
    const { clock, channel, destination } = this.#context;
    const { connectTimeoutMs: timeoutMs, keepAliveMs, inFlight, status, retain } = this.#config;
    const publisher = await Publisher.open(this.#endpoint, {
      clientId: this.#config.clientId ?? `weir-${channel}-${destination}`,
      clock,
      timeoutMs,
      signal: this.#closing.signal,
      keepAliveMs,
      inFlight,
      // A last will is due when its delay or the session is over, whichever is first (MQTT 5 §3.1.3.2.2).
      sessionExpiryMs: status?.willDelayMs ?? 0,
      will: status && { topic: status.topic, payload: status.offline, delayMs: status.willDelayMs },
    });
    if ((retain || status) && !publisher.retains) {
      const error = destinationError('refused', 'connecting: the broker keeps no retained messages: retain, or status');
      publisher.destroy(error);
      throw error;
    }
    publisher.lost.addEventListener('abort', () => this.#lost(publisher.lost.reason as HubError), { once: true });
    // After the broker's greeting: a last will of the connection before has been published by then, or never will be.
    if (status) void this.#say(publisher, status.topic, status.online);
    this.#publisher = publisher;
    this.#failures = 0;
    this.#context.count('mqtt_connections_total');
    if (!publisher.lost.aborted) this.#report('connected');
    return publisher;
  }

  async #publish(
    publisher: Publisher,
    batch: readonly Outgoing<unknown>[],
    stop: AbortSignal,
    notAfter: number,
  ): Promise<readonly WriteOutcome[]> {
    const { clock } = this.#context;
    const { confirmTimeoutMs } = this.#config;
    const given = Promise.withResolvers<HubError>();
    const aborted = (): void =>
      given.resolve(destinationError('write-failed', `${doing}: ended before it was acknowledged`));
    stop.addEventListener('abort', aborted, { once: true });
    let last = clock.monotonic();
    let cancel: () => void = () => undefined;
    const watch = (afterMs: number): void => {
      cancel = clock.timer(afterMs, () => {
        const left = last + confirmTimeoutMs - clock.monotonic();
        if (left > 0) return watch(left);
        const what = `${doing}: not acknowledged within ${confirmTimeoutMs} ms: confirmTimeoutMs`;
        const error = destinationError('reply-timeout', what);
        given.resolve(error);
        publisher.destroy(error);
      });
    };
    watch(confirmTimeoutMs);
    const answered = (): void => {
      last = clock.monotonic();
    };
    try {
      const outcomes: (WriteOutcome | Promise<WriteOutcome>)[] = [];
      for (const message of batch) {
        await Promise.race([publisher.room(), given.promise]);
        if (stop.aborted || publisher.lost.aborted || performance.now() > notAfter)
          outcomes.push({ status: 'untried' });
        else outcomes.push(this.#outcomeOf(publisher, message, given.promise, answered));
      }
      return await Promise.all(outcomes);
    } finally {
      stop.removeEventListener('abort', aborted);
      cancel();
    }
  }

  async #outcomeOf(
    publisher: Publisher,
    message: Outgoing<unknown>,
    givenUp: Promise<HubError>,
    answered: () => void,
  ): Promise<WriteOutcome> {
    let publication: Publication;
    let confirming: ReturnType<Publisher['publish']>;
    try {
      publication = this.#publicationOf(message);
      confirming = publisher.publish(publication);
    } catch (thrown) {
      return { status: 'error', error: asHubError(thrown, 'encode-failed', doing) };
    }
    const ended = await Promise.race([confirming, givenUp]);
    if (ended instanceof HubError) return { status: 'uncertain', error: ended };
    answered();
    publisher.done(publication);
    const outcome = outcomeOf(ended, this.#config);
    if (outcome.status === 'sent') this.#report('connected');
    return outcome;
  }

  /** Resolves when the broker has it, or the connection is lost. */
  async #say(publisher: Publisher, topic: string, text: string): Promise<void> {
    const publication = {
      id: `status ${++this.#statuses}`,
      topic,
      payload: Buffer.from(text),
      retain: true,
      properties: {},
    };
    const confirmation = await publisher.publish(publication);
    publisher.done(publication);
    if (confirmation.status !== 'answered' || confirmation.reasonCode < 0x80) return;
    this.#context.log.warn({ reasonCode: confirmation.reasonCode }, `${doing}: the broker refuses status.topic`);
  }

  /** An orderly end takes the last will away: we say it ourselves. */
  async #sayOffline(publisher: Publisher): Promise<void> {
    const { status } = this.#config;
    if (!status) return;
    const late = Promise.withResolvers<void>();
    const cancel = this.#context.clock.timer(offlineMs, late.resolve);
    await Promise.race([this.#say(publisher, status.topic, status.offline), late.promise]);
    cancel();
  }

  /** Whoever reads the status is to see that the hub is there, whether messages come or not. */
  #keepConnected(): void {
    this.#connected().catch((thrown: unknown) => {
      if (this.#closing.signal.aborted) return;
      this.#tell(mqttError(thrown, doing));
      const jitter = 0.5 + this.#context.random() / 2;
      const ms = Math.min(firstPauseMs * 2 ** Math.min(this.#failures++, 10), longestPauseMs) * jitter;
      this.#cancelRetry();
      this.#cancelRetry = this.#context.clock.timer(ms, () => this.#keepConnected());
    });
  }

  #lost(error: HubError): void {
    if (this.#closing.signal.aborted) return;
    this.#tell(error);
    if (!this.#config.status) return;
    // Not at once: two clients with one id would end each other's connections without a pause.
    this.#cancelRetry();
    const ms = firstPauseMs * (0.5 + this.#context.random() / 2);
    this.#cancelRetry = this.#context.clock.timer(ms, () => this.#keepConnected());
  }

  #tell(error: HubError): void {
    if (this.#state !== 'retrying') this.#context.log.warn({ code: error.code, kind: error.kind }, error.message);
    this.#report('retrying');
  }

  #report(state: ConnectionState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#context.report(state);
  }
}
