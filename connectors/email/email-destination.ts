import type { ConnectionState } from '../../core/component.ts';
import type { Destination, DestinationContext, WriteContext, WriteOutcome } from '../../core/destination.ts';
import type { EndpointOf } from '../../core/endpoint.ts';
import { asHubError } from '../../core/errors.ts';
import type { Outgoing } from '../../core/message.ts';
import type { EmailConfig } from './config.ts';
import { mailWriter, type Writer } from './mail.ts';
import { outcomeOf } from './outcome.ts';
import { SmtpSession } from './smtp-session.ts';

/** Sends the mails of one batch over one connection, which ends with the batch: servers keep no idle ones. */
export class EmailDestination implements Destination<unknown> {
  readonly #config: EmailConfig;
  readonly #context: DestinationContext;
  readonly #endpoint: EndpointOf<'smtp'>;
  readonly #written: Writer;
  readonly #closing = new AbortController();
  #state: ConnectionState | undefined;

  constructor(config: EmailConfig, context: DestinationContext) {
    this.#config = config;
    this.#context = context;
    this.#endpoint = context.endpoint('smtp', config.endpoint);
    this.#written = mailWriter(config);
    this.#report('idle');
  }

  async write(batch: readonly Outgoing<unknown>[], context: WriteContext): Promise<readonly WriteOutcome[]> {
    const stop = AbortSignal.any([context.signal, this.#closing.signal]);
    const outcomes: WriteOutcome[] = [];
    let session: SmtpSession | undefined;
    try {
      for (const message of batch) {
        if (stop.aborted || performance.now() > context.notAfter) break;
        try {
          session ??= await this.#connected(stop);
        } catch (thrown) {
          if (stop.aborted) break;
          this.#report('retrying');
          outcomes.push({ status: 'error', error: asHubError(thrown, 'refused', 'connecting', 'transient') });
          break;
        }
        if (stop.aborted || performance.now() > context.notAfter) break;
        const outcome = await this.#send(session, message, stop);
        outcomes.push(outcome);
        if (outcome.status !== 'sent') break;
      }
    } finally {
      session?.quit();
    }
    if (outcomes.every(({ status }) => status === 'sent')) this.#report('idle');
    while (outcomes.length < batch.length) outcomes.push({ status: 'untried' });
    return outcomes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#report('stopped');
  }

  async #send(session: SmtpSession, message: Outgoing<unknown>, stop: AbortSignal): Promise<WriteOutcome> {
    const { sendTimeoutMs } = this.#config;
    try {
      const mail = await this.#written(message);
      const outcome = outcomeOf(await session.send(mail, sendTimeoutMs, this.#context.clock, stop));
      if (outcome.status === 'sent') this.#context.count('email_sent_total');
      else if ('error' in outcome && outcome.error.scope === 'destination') this.#report('retrying');
      return outcome;
    } catch (thrown) {
      return { status: 'error', error: asHubError(thrown, 'encode-failed', 'writing a mail') };
    }
  }

  async #connected(signal: AbortSignal): Promise<SmtpSession> {
    this.#report('connecting');
    const { connectTimeoutMs } = this.#config;
    const session = await SmtpSession.open(this.#endpoint, connectTimeoutMs, this.#context.clock, signal);
    this.#report('connected');
    return session;
  }

  #report(state: ConnectionState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#context.report(state);
  }
}
