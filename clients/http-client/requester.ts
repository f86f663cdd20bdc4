import type { DestinationContext, WriteContext, WriteOutcome } from '../../core/destination.ts';
import { asHubError } from '../../core/errors.ts';
import { authorizationOf } from './authorization.ts';
import { type Answer, Client, type Exchanged, type Request } from './client.ts';
import type { RequestingConfig } from './config.ts';
import type { Authorization } from './credentials.ts';
import { outcomeOfSilence, type StatusTable } from './status-table.ts';

interface Config extends RequestingConfig {
  /** Name of the http endpoint. */
  readonly endpoint: string;
  readonly maxReplyBytes: number;
  readonly response: StatusTable;
}

/** Makes the requests of one destination: each with what says who we are, once more where that has expired. */
export class Requester implements Disposable {
  readonly #config: Config;
  readonly #context: DestinationContext;
  readonly #counters: string;
  readonly #client: Client;
  readonly #authorization: Authorization;
  readonly #closing = new AbortController();

  /** @param counters what the names of its counters begin with */
  constructor(config: Config, context: DestinationContext, counters: string) {
    const { connections, connectTimeoutMs, idleTimeoutMs } = config;
    this.#config = config;
    this.#context = context;
    this.#counters = counters;
    this.#authorization = authorizationOf(config, context, counters);
    this.#client = new Client(context.endpoint('http', config.endpoint), {
      clock: context.clock,
      connections,
      connectTimeoutMs,
      idleTimeoutMs,
      changed: (open) => context.report(open > 0 ? 'connected' : 'idle', open),
    });
    context.report('idle', 0);
  }

  /**
   * One request, as a write of one message. Never throws.
   * @param make may throw: then nothing was begun, and the error is the message's
   */
  async write(
    { signal, notAfter }: WriteContext,
    make: () => Request,
    judge: (answer: Answer) => WriteOutcome,
  ): Promise<WriteOutcome> {
    const stop = AbortSignal.any([signal, this.#closing.signal]);
    const mayBegin = () => !stop.aborted && performance.now() <= notAfter;
    if (!mayBegin()) return { status: 'untried' };
    let request: Request;
    try {
      request = make();
    } catch (thrown) {
      return { status: 'error', error: asHubError(thrown, 'encode-failed', 'writing the request') };
    }
    try {
      return this.#outcome(await this.#exchange(request, stop, mayBegin), judge);
    } catch (thrown) {
      if (stop.aborted) return { status: 'untried' };
      this.#context.report('retrying', this.#client.open);
      return { status: 'error', error: asHubError(thrown, 'refused', 'connecting', 'transient') };
    }
  }

  [Symbol.dispose](): void {
    this.#closing.abort();
    this.#authorization[Symbol.dispose]();
    this.#client[Symbol.dispose]();
    this.#context.report('stopped', 0);
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

  #outcome(result: Exchanged, judge: (answer: Answer) => WriteOutcome): WriteOutcome {
    switch (result.kind) {
      case 'answer':
        this.#context.count(`${this.#counters}_answers_total`);
        return judge(result.answer);
      case 'silent':
        this.#context.count(`${this.#counters}_timeouts_total`);
        return outcomeOfSilence(this.#config.replyTimeoutMs, this.#config.response);
      case 'lost':
        this.#context.count(`${this.#counters}_lost_total`);
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
