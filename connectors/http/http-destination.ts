import type { Request } from '../../clients/http-client/client.ts';
import { Requester } from '../../clients/http-client/requester.ts';
import type { Destination, DestinationContext, WriteContext, WriteOutcome } from '../../core/destination.ts';
import type { Outgoing } from '../../core/message.ts';
import type { HttpDestinationConfig } from './config.ts';
import { outcomeOf } from './response-table.ts';
import { headerTemplate, pathTemplate, type Template } from './template.ts';

/** Makes a request of each message and looks up what its answer means. */
export class HttpDestination implements Destination<unknown> {
  readonly #config: HttpDestinationConfig;
  readonly #context: DestinationContext;
  readonly #requester: Requester;
  readonly #path: Template;
  readonly #headers: readonly (readonly [name: string, value: Template])[];

  constructor(config: HttpDestinationConfig, context: DestinationContext) {
    this.#config = config;
    this.#context = context;
    this.#path = pathTemplate(config.path);
    const { idempotencyHeader } = config;
    const headers = { ...config.headers, ...(idempotencyHeader !== false && { [idempotencyHeader]: '${effectId}' }) };
    this.#headers = Object.entries(headers).map(([name, text]) => [name.toLowerCase(), headerTemplate(text)]);
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
    const headers: Record<string, string> = { 'content-type': contentType };
    for (const [name, template] of this.#headers) {
      const value = template(message);
      if (value !== '') headers[name] = value;
    }
    return { method, path: this.#path(message), headers, body: message.bytes };
  }
}
