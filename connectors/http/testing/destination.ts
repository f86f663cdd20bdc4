import type { Outgoing } from '../../../core/message.ts';
import {
  type EndpointInput,
  type FakeDestinationContext,
  fakeDestinationContext,
} from '../../../core/testing/contexts.ts';
import { outgoing } from '../../../core/testing/outgoing.ts';
import { http } from '../http.ts';
import type { HttpDestination } from '../http-destination.ts';

export function message(number: number, fields: Partial<Outgoing<unknown>> = {}): Outgoing<unknown> {
  return { ...outgoing({ number, payload: undefined, bytes: Buffer.from(`message ${number}`) }), ...fields };
}

export type Config = Partial<Parameters<typeof http>[0]>;

export function destinationTo(
  url: string,
  config: Config = {},
  endpoints: Readonly<Record<string, EndpointInput>> = {},
  options: Parameters<typeof fakeDestinationContext>[0] = {},
): { readonly destination: HttpDestination; readonly context: FakeDestinationContext } {
  const context = fakeDestinationContext({ endpoints: { api: { kind: 'http', url }, ...endpoints }, ...options });
  return { destination: http({ endpoint: 'api', ...config }).create(context) as HttpDestination, context };
}
