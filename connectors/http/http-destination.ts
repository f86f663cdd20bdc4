import type { Request } from '../../clients/http-client/client.ts';
import { Requester } from '../../clients/http-client/requester.ts';
import { headerTemplates, pathTemplate, type Template } from '../../clients/http-client/template.ts';
import type { Destination, DestinationContext, WriteContext, WriteOutcome } from '../../core/destination.ts';
import type { Outgoing } from '../../core/message.ts';
import type { HttpDestinationConfig } from './config.ts';
import { outcomeOf } from './response-table.ts';

/** Makes a request of each message and looks up what its answer means. */
export class HttpDestination implements Destination<unknown> {
  readonly #config: HttpDestinationConfig;
  readonly #context: DestinationContext;
  readonly #requester: Requester;
  readonly #path: Template;
  readonly #headers: ReturnType<typeof headerTemplates>;

  constructor(config: HttpDestinationConfig, context: DestinationContext) {
    this.#config = config;
    this.#context = context;
    this.#path = pathTemplate(config.path);
    const { idempotencyHeader } = config;
    const idempotency = idempotencyHeader === false ? {} : { [idempotencyHeader]: '${effectId}' };
    this.#headers = headerTemplates({ ...config.headers, ...idempotency });
    this.#requester = new Requester(config, context, 'http');
  }

  write(batch: readonly Outgoing<unknown>[], context: WriteContext): Promise<readonly WriteOutcome[]> {
    return Promise.all(
      batch.map((message) =>
        this.#requester.write(
          context,
          () => this.#request(message),
          (answer) => outcomeOf(answer, this.#config, this.#context.clock.now()),
        ),
      ),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#requester[Symbol.dispose]();
  }

  #request(message: Outgoing<unknown>): Request {
    const { method, contentType } = this.#config;
    const headers = { 'content-type': contentType, ...this.#headers(message) };
    return { method, path: this.#path(message), headers, body: message.bytes };
  }
}
