import { holderName } from '../../clients/kafka/holder-name.ts';
import { type PreparedRecord, prepared } from '../../clients/kafka/record.ts';
import { SendQueue } from '../../clients/kafka/send-queue.ts';
import type { ConnectionState } from '../../core/component.ts';
import type { Destination, DestinationContext, WriteContext, WriteOutcome } from '../../core/destination.ts';
import { asHubError, HubError } from '../../core/errors.ts';
import type { Outgoing } from '../../core/message.ts';
import { messageTemplate, type Place } from '../../core/message-template.ts';
import type { KafkaDestinationConfig } from './config.ts';

const forwarded: readonly string[] = ['traceparent', 'tracestate'];

/** Writes a batch with one request for each broker, and answers for each message of it. */
export class KafkaDestination implements Destination<unknown> {
  readonly #context: DestinationContext;
  readonly #topicOf: Place;
  readonly #keyOf: Place | undefined;
  readonly #headers: readonly (readonly [string, Place])[];
  readonly #contentType: string | undefined;
  readonly #queue: SendQueue;
  readonly #closing = new AbortController();
  #state: ConnectionState | undefined;

  constructor(config: KafkaDestinationConfig, context: DestinationContext) {
    this.#context = context;
    this.#topicOf = messageTemplate(config.topic);
    this.#keyOf = config.key === false ? undefined : messageTemplate(config.key);
    this.#headers = Object.entries(config.headers).map(([name, text]) => [name, messageTemplate(text)] as const);
    this.#contentType = config.contentType;
    const { channel, destination, lease } = context;
    const { transactionalId = lease === undefined ? false : holderName({ channel, destination }) } = config;
    this.#queue = new SendQueue({
      endpoint: context.endpoint('kafka', config.endpoint),
      clientId: `weir-${channel}-${destination}`,
      ...(transactionalId !== false && { transactionalId }),
      deliveryTimeoutMs: config.deliveryTimeoutMs,
      onTrouble: (error) => {
        context.log.warn({ code: error.code, kind: error.kind }, error.message);
        this.#report('retrying');
      },
    });
    context.report('idle');
  }

  async write(batch: readonly Outgoing<unknown>[], context: WriteContext): Promise<readonly WriteOutcome[]> {
    const stop = AbortSignal.any([context.signal, this.#closing.signal]);
    if (stop.aborted || performance.now() > context.notAfter) return batch.map(() => ({ status: 'untried' }));
    // Asked right before each request: connecting, and what waits before it, take their time.
    const begun = { yet: false };
    const mayBegin = (): boolean => {
      if (stop.aborted || performance.now() > context.notAfter) return false;
      begun.yet = true;
      return true;
    };
    const aborted = Promise.withResolvers<HubError>();
    const abort = (): void =>
      aborted.resolve(new HubError('write-failed', 'transient', 'sending to Kafka: ended before it was confirmed'));
    stop.addEventListener('abort', abort, { once: true });
    try {
      const sent = await Promise.race([this.#send(batch, mayBegin), aborted.promise]);
      if (!(sent instanceof HubError)) return sent;
      return batch.map(() => (begun.yet ? { status: 'uncertain', error: sent } : { status: 'untried' }));
    } finally {
      stop.removeEventListener('abort', abort);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#queue.close(0);
    this.#report('stopped');
  }

  /** HubError where it ended because nothing more may begin. */
  async #send(
    batch: readonly Outgoing<unknown>[],
    mayBegin: () => boolean,
  ): Promise<readonly WriteOutcome[] | HubError> {
    let ended = false;
    const goesOn = (): boolean => !(ended = !mayBegin());
    const records = batch.map((message) => this.#recordOf(message));
    let refused: ReadonlyMap<PreparedRecord, HubError>;
    try {
      refused = await this.#queue.send(records, true, goesOn);
    } catch (thrown) {
      if (ended && thrown instanceof HubError) return thrown;
      this.#report('retrying');
      const error = asHubError(thrown, 'write-failed', 'sending to Kafka', 'transient');
      if (error.code === 'not-allowed') this.#queue.takeAnew();
      return firstFails(batch, 0, { status: doubtful.has(error.code) ? 'uncertain' : 'error', error });
    }
    const first = records.findIndex((record) => refused.has(record));
    if (first < 0) {
      this.#report('connected');
      this.#context.count('kafka_sent_total', records.length);
      return batch.map(() => ({ status: 'sent' }));
    }
    this.#context.count('kafka_sent_total', first);
    const error = refused.get(records[first]!)!;
    // Whoever is fenced comes here again only under a lease that lasts.
    if (error.code === 'not-allowed') this.#queue.takeAnew();
    this.#report(error.scope === 'destination' ? 'retrying' : 'connected');
    return firstFails(batch, first, { status: 'error', error });
  }

  #recordOf(message: Outgoing<unknown>): PreparedRecord {
    const headers: Record<string, string> = {};
    for (const [name, textOf] of this.#headers) {
      const text = textOf(message);
      if (text !== '') headers[name] = text;
    }
    headers.messageId = message.id;
    headers.effectId = message.effectId;
    headers.channel = message.channel;
    if (this.#contentType !== undefined) headers.contentType = this.#contentType;
    for (const name of forwarded) if (message.meta[name] !== undefined) headers[name] = message.meta[name];
    return prepared({
      topic: this.#topicOf(message).replaceAll(/[^a-zA-Z0-9._-]/g, '_'),
      value: message.bytes,
      headers,
      ...(this.#keyOf && { key: Buffer.from(this.#keyOf(message)) }),
    });
  }

  #report(state: ConnectionState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#context.report(state);
  }
}

/** Codes after which nobody knows whether a broker has the record. */
const doubtful: ReadonlySet<HubError['code']> = new Set(['connection-lost', 'reply-timeout', 'event-log-failed']);

/**
 * Those behind the first failure go again, in their order. Some of them may be written, on other partitions: they come a second time
 * then, with the same effect id.
 */
function firstFails(batch: readonly unknown[], first: number, outcome: WriteOutcome): readonly WriteOutcome[] {
  return batch.map((_, at) => (at < first ? { status: 'sent' } : at === first ? outcome : { status: 'untried' }));
}
