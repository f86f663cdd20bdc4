import { rabbitError } from '../../clients/rabbitmq/errors.ts';
import { type Confirmation, type Publication, Publisher } from '../../clients/rabbitmq/publisher.ts';
import type { ConnectionState } from '../../core/component.ts';
import type { Destination, DestinationContext, WriteContext, WriteOutcome } from '../../core/destination.ts';
import type { EndpointOf } from '../../core/endpoint.ts';
import { asHubError, HubError } from '../../core/errors.ts';
import type { Outgoing } from '../../core/message.ts';
import { isFixed } from '../../core/message-template.ts';
import type { RabbitDestinationConfig } from './config.ts';
import { publications } from './publication.ts';

/** A message that the broker has taken just before an alarm is confirmed within it. */
const blockedGraceMs = 1_000;
/** Published in batches that were given up, and not written again since: beyond it the connection is made anew. */
const mostOpen = 2_000;
const doing = 'sending to RabbitMQ';

/** Publishes the messages of a batch together, each confirmed, returned or refused by itself. */
export class RabbitDestination implements Destination<unknown> {
  readonly #config: RabbitDestinationConfig;
  readonly #context: DestinationContext;
  readonly #endpoint: EndpointOf<'rabbitmq'>;
  readonly #publicationOf: (message: Outgoing<unknown>) => Publication;
  readonly #closing = new AbortController();
  #publisher: Publisher | undefined;
  #state: ConnectionState | undefined;

  constructor(config: RabbitDestinationConfig, context: DestinationContext) {
    this.#config = config;
    this.#context = context;
    this.#endpoint = context.endpoint('rabbitmq', config.endpoint);
    this.#publicationOf = publications(config);
    this.#report('idle');
  }

  async write(batch: readonly Outgoing<unknown>[], context: WriteContext): Promise<readonly WriteOutcome[]> {
    const stop = AbortSignal.any([context.signal, this.#closing.signal]);
    const untried = batch.map((): WriteOutcome => ({ status: 'untried' }));
    if (stop.aborted || performance.now() > context.notAfter) return untried;
    let publisher: Publisher;
    try {
      publisher = await this.#connected(stop);
    } catch (thrown) {
      if (stop.aborted) return untried;
      return this.#away(batch, rabbitError(thrown, doing));
    }
    if (stop.aborted || performance.now() > context.notAfter) return untried;
    if (publisher.blocked) return this.#away(batch, blockedError());
    const outcomes = await this.#publish(publisher, batch, stop);
    this.#context.count('rabbitmq_sent_total', outcomes.filter(({ status }) => status === 'sent').length);
    return outcomes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#publisher?.close();
    this.#report('stopped');
  }

  async #connected(signal: AbortSignal): Promise<Publisher> {
    if (this.#publisher && this.#publisher.open > mostOpen) await this.#publisher.close();
    if (this.#publisher && !this.#publisher.lost.aborted) return this.#publisher;
    if (this.#state !== 'retrying') this.#report('connecting');
    const { clock, channel, destination } = this.#context;
    const { connectTimeoutMs: timeoutMs } = this.#config;
    const name = `weir ${channel} to ${destination}`;
    const publisher = await Publisher.open(this.#endpoint, this.#config.declare, { name, clock, timeoutMs, signal });
    this.#publisher = publisher;
    this.#context.count('rabbitmq_connections_total');
    this.#report('connected');
    publisher.lost.addEventListener('abort', () => this.#lost(publisher.lost.reason as HubError), { once: true });
    return publisher;
  }

  async #publish(
    publisher: Publisher,
    batch: readonly Outgoing<unknown>[],
    stop: AbortSignal,
  ): Promise<readonly WriteOutcome[]> {
    const { clock } = this.#context;
    const { confirmTimeoutMs } = this.#config;
    const given = Promise.withResolvers<HubError>();
    const aborted = (): void => given.resolve(destinationError('write-failed', 'ended before it was confirmed'));
    stop.addEventListener('abort', aborted, { once: true });
    const late = (): void => {
      const error = destinationError('reply-timeout', `not confirmed within ${confirmTimeoutMs} ms: confirmTimeoutMs`);
      given.resolve(error);
      // A quorum queue forgets what came while it had no leader: what is repeated goes over a new connection.
      if (!publisher.blocked) publisher.destroy(error);
    };
    const cancels = [clock.timer(confirmTimeoutMs, late)];
    cancels.push(
      publisher.onBlocked(() => {
        this.#report('retrying');
        cancels.push(clock.timer(blockedGraceMs, () => given.resolve(blockedError())));
      }),
    );
    try {
      return await Promise.all(batch.map((message) => this.#outcomeOf(publisher, message, given.promise)));
    } finally {
      stop.removeEventListener('abort', aborted);
      for (const cancel of cancels) cancel();
    }
  }

  async #outcomeOf(
    publisher: Publisher,
    message: Outgoing<unknown>,
    givenUp: Promise<HubError>,
  ): Promise<WriteOutcome> {
    let confirming: Promise<Confirmation>;
    let publication: Publication;
    try {
      publication = this.#publicationOf(message);
      confirming = publisher.publish(publication);
    } catch (thrown) {
      return { status: 'error', error: asHubError(thrown, 'encode-failed', doing) };
    }
    const ended = await Promise.race([confirming, givenUp]);
    if (ended instanceof HubError) return { status: 'uncertain', error: ended };
    publisher.done(publication);
    return this.#outcome(ended);
  }

  #outcome(confirmation: Confirmation): WriteOutcome {
    switch (confirmation.status) {
      case 'confirmed':
        this.#report('connected');
        return { status: 'sent' };
      case 'returned':
        return { status: 'error', error: this.#unroutable() };
      case 'refused': {
        const text = 'a queue does not take the message: it is full (maxLength), or not available';
        return { status: 'error', error: destinationError('reply-negative', text) };
      }
      case 'too-large': {
        const text = `${doing}: the message is larger than the broker takes (max_message_size)`;
        return { status: 'error', error: new HubError('write-failed', 'permanent', text) };
      }
      case 'lost': {
        const { error } = confirmation;
        // A broker that has ended the channel over a setting has not taken it; a connection that broke says nothing.
        const taken = error.code === 'connection-lost' || error.code === 'reply-timeout' || error.code === 'draining';
        return { status: taken ? 'uncertain' : 'error', error };
      }
      default:
        return confirmation satisfies never;
    }
  }

  /**
   * Where every message goes the same way, a missing queue is the destination's: nothing is a dead letter for it. Else it is this
   * message's. The places of the routing key are named, not filled in: what they hold may be about a patient.
   */
  #unroutable(): HubError {
    const { exchange, routingKey } = this.#config;
    const at = exchange === '' ? 'the default exchange' : `the exchange ${exchange}`;
    const text = `no queue gets what goes to ${at} with the routing key ${routingKey || '(empty)'}`;
    if (isFixed(exchange) && isFixed(routingKey)) return destinationError('not-found', `${text}: exchange, routingKey`);
    return new HubError('unmatched', 'permanent', `${doing}: ${text}`);
  }

  #away(batch: readonly Outgoing<unknown>[], error: HubError): readonly WriteOutcome[] {
    this.#report('retrying');
    return batch.map(() => ({ status: 'error', error }));
  }

  #lost(error: HubError): void {
    if (this.#closing.signal.aborted) return;
    this.#context.log.warn({ code: error.code, kind: error.kind }, error.message);
    this.#report('retrying');
  }

  #report(state: ConnectionState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#context.report(state);
  }
}

function blockedError(): HubError {
  return destinationError('refused', 'the broker takes no messages now: an alarm of its memory or disk');
}

function destinationError(code: HubError['code'], what: string): HubError {
  return new HubError(code, 'transient', `${doing}: ${what}`, { scope: 'destination' });
}
