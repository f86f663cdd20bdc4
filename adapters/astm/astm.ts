import type { z } from 'zod';
import { astm as astmFormat } from '../../contracts/astm.ts';
import { type DeviceArrival, deviceArrival } from '../../contracts/device-arrival.ts';
import { defineAdapter } from '../../core/define.ts';
import type { Format } from '../../core/format.ts';
import type { SourceSpec } from '../../core/source.ts';
import type { AstmMessage } from '../../protocols/astm/message.ts';
import { config } from './config.ts';
import { AstmSource } from './source.ts';

const adapter = defineAdapter({
  type: 'astm',
  summary:
    'Receives the messages of a laboratory analyzer, acknowledges each once it is durable, and answers its queries (LIS01-A2, LIS02-A2).',
  produces: ({ profile }): Format<unknown> => (profile === undefined ? astmFormat : deviceArrival) as Format<unknown>,
  acknowledges: 'reply',
  config,
  resources: ({ endpoint, connect, port }) => [`endpoint:${endpoint ?? connect ?? port}`],
  deviceProfiles: ({ profile }) => (profile === undefined ? [] : [profile]),
  examples: [
    {
      title: 'A chemistry analyzer that connects to the hub',
      config: { endpoint: 'chemistry', profile: 'chemistry-analyzer' },
    },
    {
      title: 'One on a serial line, which asks for its orders',
      config: { port: 'coagulation', device: 'coag-1', queries: 'worklist', worklist: 'coagulation-orders' },
    },
    {
      title: 'One that is called, and whose queries the laboratory system answers',
      config: { connect: 'immunology', queries: 'reply', link: { checksum: 'ignore' } },
    },
  ],
  create: (settings, context) => new AstmSource(settings, context),
});

type Config = z.input<typeof config>;

/** What a source produces depends on whether it names a profile. */
interface ByProfile {
  (given: Config & { readonly profile: string }): SourceSpec<DeviceArrival>;
  (given: Config & { readonly profile?: undefined }): SourceSpec<AstmMessage>;
}

/**
 * Receives the messages of a laboratory analyzer (LIS02-A2 over LIS01-A2): on a port of the hub, by calling it, or over a serial line.
 * The last frame of a message is acknowledged when it has reached the channel's `ackAfter`; one that the store does not take is
 * refused, and comes again. What of a message came and was not completed is kept as a fault and never taken for one.
 *
 * A host query is acknowledged once it is stored, and answered by `queries`. Its answer, and what a destination `astm` of the same
 * endpoint sends, take their turn on the same line.
 */
export const astm = adapter as ByProfile & typeof adapter;
