// biome-ignore-all lint/suspicious/noTemplateCurlyInString: headers are templates with such places
import type { Destination, DestinationContext, WriteContext, WriteOutcome } from '../../core/destination.ts';
import { asHubError } from '../../core/errors.ts';
import type { Outgoing } from '../../core/message.ts';
import { authorizationOf } from './authorization.ts';
import { Client, type Exchanged, type Request } from './client.ts';
import type { HttpDestinationConfig } from './config.ts';
import type { Authorization } from './credentials.ts';
import { outcomeOf, outcomeOfSilence } from './response-table.ts';
import { headerTemplate, pathTemplate, type Template } from './template.ts';

/** Makes a request of each message and looks up what its answer means. */
export class HttpDestination implements Destination<unknown> {
  readonly #config: HttpDestinationConfig;
  readonly #context: DestinationContext;
  readonly #client: Client;
  readonly #authorization: Authorization;
  readonly #path: Template;
  readonly #headers: readonly (readonly [name: string, value: Template])[];
  readonly #closing = new AbortController();

  constructor(config: HttpDestinationConfig, context: DestinationContext) {
    const { connections, connectTimeoutMs, idleTimeoutMs } = config;
    this.#config = config;
    this.#context = context;
    this.#path = pathTemplate(config.path);
    const { idempotencyHeader } = config;
    const headers = { ...config.headers, ...(idempotencyHeader !== false && { [idempotencyHeader]: '${effectId}' }) };
    this.#headers = Object.entries(headers).map(([name, text]) => [name.toLowerCase(), headerTemplate(text)]);
    this.#authorization = authorizationOf(config, context);
    this.#client = new Client(context.endpoint('http', config.endpoint), {
      clock: context.clock,
      connections,
      connectTimeoutMs,
      idleTimeoutMs,
      changed: (open) => context.report(open > 0 ? 'connected' : 'idle', open),
    });
    context.report('idle', 0);
  }

  write(batch: readonly Outgoing<unknown>[], context: WriteContext): Promise<readonly WriteOutcome[]> {
    return Promise.all(batch.map((message) => this.#write(message, context)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#authorization[Symbol.dispose]();
    this.#client[Symbol.dispose]();
    this.#context.report('stopped', 0);
  }

  async #write(message: Outgoing<unknown>, { signal, notAfter }: WriteContext): Promise<WriteOutcome> {
    const stop = AbortSignal.any([signal, this.#closing.signal]);
    const mayBegin = () => !stop.aborted && performance.now() <= notAfter;
    if (!mayBegin()) return { status: 'untried' };
    let request: Request;
    try {
      request = this.#request(message);
    } catch (thrown) {
      return { status: 'error', error: asHubError(thrown, 'encode-failed', 'writing the request') };
    }
    try {
      return this.#outcome(await this.#exchange(request, stop, mayBegin));
    } catch (thrown) {
      if (stop.aborted) return { status: 'untried' };
      this.#context.report('retrying', this.#client.open);
      return { status: 'error', error: asHubError(thrown, 'refused', 'connecting', 'transient') };
    }
  }

  /** Throws HubError where no access token can be had. */
  async #exchange(request: Request, signal: AbortSignal, mayBegin: () => boolean): Promise<Exchanged> {
    for (let attempt = 1; ; attempt++) {
      const credentials = await this.#authorization.credentials(signal);
      const { replyTimeoutMs: timeoutMs, maxReplyBytes } = this.#config;
      const result = await this.#client.send(
        { ...request, headers: { ...request.headers, ...credentials } },
        { timeoutMs, maxReplyBytes, signal, mayBegin },
      );
      const unknown = result.kind === 'answer' && result.answer.status === 401;
      if (!unknown || !this.#authorization.refused(credentials) || attempt > 1 || !mayBegin()) return result;
    }
  }

  #request(message: Outgoing<unknown>): Request {
    const { method, contentType } = this.#config;
    const headers: Record<string, string> = { 'content-type': contentType };
    for (const [name, template] of this.#headers) {
      const value = template(message);
      if (value !== '') headers[name] = value;
    }
    return { method, path: this.#path(message), headers, body: message.bytes };
  }

  #outcome(result: Exchanged): WriteOutcome {
    switch (result.kind) {
      case 'answer':
        this.#context.count('http_answers_total');
        return outcomeOf(result.answer, this.#config, this.#context.clock.now());
      case 'silent':
        this.#context.count('http_timeouts_total');
        return outcomeOfSilence(this.#config.replyTimeoutMs, this.#config.response);
      case 'lost':
        this.#context.count('http_lost_total');
        return { status: 'uncertain', error: result.error };
      case 'unwritten':
        if (!result.error) return { status: 'untried' };
        this.#context.report('retrying', this.#client.open);
        return { status: 'error', error: result.error };
      default:
        return result satisfies never;
    }
  }
}
