import type { Destination } from '../../../core/destination.ts';
import type { Meta } from '../../../core/format.ts';
import type { Outgoing } from '../../../core/message.ts';
import {
  type EndpointInput,
  type FakeDestinationContext,
  fakeDestinationContext,
} from '../../../core/testing/contexts.ts';
import { outgoing } from '../../../core/testing/outgoing.ts';
import { email } from '../email.ts';

export type Config = Parameters<typeof email>[0];

export const sent = { status: 'sent' };

export function message(
  number: number,
  content: string | Buffer = `message ${number}`,
  meta: Meta = {},
): Outgoing<unknown> {
  return outgoing({ number, payload: undefined, bytes: Buffer.from(content), meta });
}

/** Without TLS unless the endpoint says otherwise. */
export function destinationTo(
  server: { readonly port: number },
  config: Partial<Config> = {},
  endpoint: Readonly<Record<string, unknown>> = {},
): { readonly context: FakeDestinationContext; readonly destination: Destination<unknown> } {
  const mail: EndpointInput = {
    ...{ kind: 'smtp', host: '127.0.0.1', port: server.port, security: 'none' },
    ...endpoint,
  };
  const context = fakeDestinationContext({ endpoints: { mail } });
  const spec = email({
    ...{ endpoint: 'mail', from: 'weir@hospital.example', to: ['lab@hospital.example'], subject: 'A message' },
    ...config,
  });
  return { context, destination: spec.create(context) };
}
