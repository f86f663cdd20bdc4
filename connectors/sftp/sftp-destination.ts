import { SftpSession } from '../../clients/sftp/session.ts';
import type { ConnectionState } from '../../core/component.ts';
import type { Destination, DestinationContext, WriteContext, WriteOutcome } from '../../core/destination.ts';
import type { EndpointOf } from '../../core/endpoint.ts';
import { HubError } from '../../core/errors.ts';
import { type NameTemplate, nameTemplate } from '../../core/files/name-template.ts';
import type { Outgoing } from '../../core/message.ts';
import type { SftpDestinationConfig } from './config.ts';
import { type Placement, upload } from './upload.ts';
import { writeError } from './write-error.ts';

/** Keeps one connection, made when first needed and again after it broke, and uploads over it in order. */
export class SftpDestination implements Destination<unknown> {
  readonly #config: SftpDestinationConfig;
  readonly #context: DestinationContext;
  readonly #endpoint: EndpointOf<'sftp'>;
  readonly #nameOf: NameTemplate;
  readonly #placement: Placement;
  readonly #closing = new AbortController();
  #session: SftpSession | undefined;
  #state: ConnectionState | undefined;

  constructor(config: SftpDestinationConfig, context: DestinationContext) {
    this.#config = config;
    this.#context = context;
    this.#endpoint = context.endpoint('sftp', config.endpoint);
    this.#nameOf = nameTemplate(config.name);
    const mode = config.permissions === undefined ? undefined : Number.parseInt(config.permissions, 8);
    const { directory, createDirectories, exists, marker } = config;
    this.#placement = { directory, createDirectories, exists, marker, mode };
    context.report('idle');
  }

  async write(batch: readonly Outgoing<unknown>[], context: WriteContext): Promise<readonly WriteOutcome[]> {
    const stop = AbortSignal.any([context.signal, this.#closing.signal]);
    const outcomes: WriteOutcome[] = [];
    for (const message of batch) {
      const outcome = await this.#send(message, stop, context.notAfter);
      outcomes.push(outcome);
      if (outcome.status !== 'sent') break;
    }
    while (outcomes.length < batch.length) outcomes.push({ status: 'untried' });
    return outcomes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#session?.destroy();
    this.#report('stopped');
  }

  async #send(message: Outgoing<unknown>, stop: AbortSignal, notAfter: number): Promise<WriteOutcome> {
    const mayBegin = (): boolean => !stop.aborted && performance.now() <= notAfter;
    if (!mayBegin()) return { status: 'untried' };
    let session: SftpSession;
    try {
      session = await this.#connected(stop);
    } catch (thrown) {
      if (stop.aborted) return { status: 'untried' };
      this.#report('retrying');
      return { status: 'error', error: writeError(thrown, 'connecting') };
    }
    if (!mayBegin()) return { status: 'untried' };
    // Nothing that is under way can be taken back: what the server made of it is seen at the next attempt.
    const abort = (): void => session.destroy();
    stop.addEventListener('abort', abort, { once: true });
    try {
      await upload(session, message, this.#nameOf(message), this.#placement);
      this.#report('connected');
      return { status: 'sent' };
    } catch (thrown) {
      const error = writeError(thrown, `uploading a file to ${this.#config.endpoint}`);
      if (error.scope === 'destination') this.#report('retrying');
      const lost = thrown instanceof HubError && !session.usable;
      return { status: lost ? 'uncertain' : 'error', error };
    } finally {
      stop.removeEventListener('abort', abort);
    }
  }

  async #connected(signal: AbortSignal): Promise<SftpSession> {
    if (this.#session?.usable) return this.#session;
    this.#report('connecting');
    const session = await SftpSession.open(this.#endpoint, this.#config, this.#context.clock, signal);
    if (this.#closing.signal.aborted) session.destroy();
    this.#session = session;
    this.#context.count('sftp_connections_total');
    this.#report('connected');
    return session;
  }

  #report(state: ConnectionState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#context.report(state);
  }
}
