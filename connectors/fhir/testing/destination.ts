import type { Outgoing } from '../../../core/message.ts';
import {
  type EndpointInput,
  type FakeDestinationContext,
  fakeDestinationContext,
} from '../../../core/testing/contexts.ts';
import { outgoing } from '../../../core/testing/outgoing.ts';
import { fhir } from '../fhir.ts';
import type { FhirDestination } from '../fhir-destination.ts';

export type Config = Partial<Parameters<typeof fhir>[0]>;

export function destinationTo(
  url: string,
  config: Config = {},
  endpoints: Readonly<Record<string, EndpointInput>> = {},
  options: Parameters<typeof fakeDestinationContext>[0] = {},
): { readonly destination: FhirDestination; readonly context: FakeDestinationContext } {
  const context = fakeDestinationContext({ endpoints: { api: { kind: 'http', url }, ...endpoints }, ...options });
  return { destination: fhir({ endpoint: 'api', ...config }).create(context) as FhirDestination, context };
}

/** A message whose bytes are the JSON of a resource. */
export function message(resource: unknown, fields: Partial<Outgoing<unknown>> = {}): Outgoing<unknown> {
  const bytes = Buffer.from(typeof resource === 'string' ? resource : JSON.stringify(resource));
  return { ...outgoing({ number: 1, payload: undefined, bytes }), ...fields };
}
