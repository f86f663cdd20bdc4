import type { Resource } from '@medplum/fhirtypes';
import { validateResource } from '../../clients/fhir/validate.ts';
import type { Request } from '../../clients/http-client/client.ts';
import { Requester } from '../../clients/http-client/requester.ts';
import { headerTemplates } from '../../clients/http-client/template.ts';
import type { Destination, DestinationContext, WriteContext, WriteOutcome } from '../../core/destination.ts';
import { HubError } from '../../core/errors.ts';
import { describeFindings } from '../../core/finding.ts';
import type { Outgoing } from '../../core/message.ts';
import { ProtocolFault } from '../../protocols/fault.ts';
import { type FhirResource, readResource } from '../../protocols/fhir/resource.ts';
import type { FhirDestinationConfig } from './config.ts';
import { type Compose, kit } from './kit.ts';
import { requestOf } from './request.ts';
import { outcomeOf } from './response.ts';

/** Makes a request of each resource or bundle and looks up what its answer means. */
export class FhirDestination implements Destination<unknown> {
  readonly #config: FhirDestinationConfig;
  readonly #context: DestinationContext;
  readonly #requester: Requester;
  readonly #headers: ReturnType<typeof headerTemplates>;
  #kit: Promise<Compose> | undefined;

  constructor(config: FhirDestinationConfig, context: DestinationContext) {
    this.#config = config;
    this.#context = context;
    this.#headers = headerTemplates(config.headers);
    this.#requester = new Requester(config, context, 'fhir');
  }

  write(batch: readonly Outgoing<unknown>[], context: WriteContext): Promise<readonly WriteOutcome[]> {
    return Promise.all(batch.map((message) => this.#write(message, context)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#requester[Symbol.dispose]();
  }

  async #write(message: Outgoing<unknown>, context: WriteContext): Promise<WriteOutcome> {
    this.#kit ??= kit();
    const compose = await this.#kit;
    let resource: FhirResource;
    const make = (): Request => {
      resource = read(message.bytes);
      if (message.attempt === 1 || this.#config.validate === 'reject') this.#validate(resource, message);
      const { headers, ...request } = requestOf(resource, message, this.#config, compose);
      return { ...request, headers: { ...this.#headers(message), ...headers } };
    };
    return this.#requester.write(context, make, (answer) =>
      outcomeOf(resource, answer, this.#config, this.#context.clock.now()),
    );
  }

  /** Throws HubError `validation-failed` where what is wrong is not to be sent. */
  #validate(resource: FhirResource, { id }: Outgoing<unknown>): void {
    const { validate } = this.#config;
    if (validate === 'off') return;
    const findings = validateResource(resource as unknown as Resource);
    const errors = findings.filter(({ severity }) => severity === 'error').length;
    if (errors === 0) return;
    this.#context.count('fhir_invalid_total');
    const told = describeFindings(findings);
    if (validate === 'reject')
      throw new HubError('validation-failed', 'permanent', `validating: ${errors} errors: ${told}`);
    const { channel, destination } = this.#context;
    this.#context.log.warn(
      { channel, destination, message: id, errors, findings: told },
      'an invalid resource is sent',
    );
  }
}

function read(bytes: Uint8Array): FhirResource {
  try {
    return readResource(bytes);
  } catch (fault) {
    if (!(fault instanceof ProtocolFault)) throw fault;
    throw new HubError('encode-failed', 'permanent', `writing the request: ${fault.message}`, { cause: fault });
  }
}
