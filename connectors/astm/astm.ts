import { astm as astmFormat } from '../../contracts/astm.ts';
import { defineConnector } from '../../core/define.ts';
import { config } from './config.ts';
import { LinkDestination } from './link-destination.ts';
import { WorklistDestination } from './worklist-destination.ts';

/**
 * Sends orders to a laboratory analyzer (LIS02-A2 over LIS01-A2), or keeps them until it asks. Sent means: the analyzer has
 * acknowledged the last frame; kept means: on disk. With the `endpoint`, `connect` or `port` of a source `astm` of this hub it sends
 * over the line that the source has hold of, in turns with what comes in; else over a line of its own. On an endpoint that listens
 * there is a line only while the source runs and the analyzer has connected.
 */
export const astm = defineConnector({
  type: 'astm',
  summary:
    'Sends orders to a laboratory analyzer over the line that a source shares with it, or keeps them until the analyzer asks (LIS01-A2, LIS02-A2).',
  accepts: astmFormat,
  batching: 'prefix',
  effect: 'atLeastOnce',
  maxBatch: 20,
  config,
  examples: [
    { title: 'Orders over the line on which the analyzer sends its results', config: { endpoint: 'chemistry' } },
    { title: 'Orders that wait until the analyzer asks for them', config: { worklist: 'coagulation-orders' } },
    {
      title: 'An analyzer on a serial line that takes long frames',
      config: { port: 'urine', link: { packing: 'message' } },
    },
  ],
  create: (settings, context) =>
    settings.worklist === undefined
      ? new LinkDestination(settings, context)
      : new WorklistDestination(settings.worklist, settings.keepOrdersMs, context),
});
