import { hl7v2 } from '../../contracts/hl7v2.ts';
import { defineConnector } from '../../core/define.ts';
import { config } from './config.ts';
import { MllpDestination } from './mllp-destination.ts';

/**
 * Sends HL7 v2 messages over MLLP, each connection one at a time, and reads the acknowledgement of each (HL7 2.5.1 §2.9,
 * MLLP release 1). A message is sent when the far end says AA, or CA; what else it says is looked up in `response`.
 */
export const mllp = defineConnector({
  type: 'mllp',
  summary:
    'Sends HL7 v2 messages over MLLP and waits for the acknowledgement of each (HL7 2.5.1 §2.9, MLLP release 1).',
  accepts: hl7v2,
  // One message a call: with several, the slowest connection of a batch would hold up the others.
  batching: 'independent',
  maxBatch: 1,
  concurrency: (c) => c.connections,
  effect: 'atLeastOnce',
  config,
  examples: [
    { title: 'Orders to the laboratory', config: { endpoint: 'lab-orders' } },
    {
      title: 'A far end that says AR while a record is locked, and takes four connections',
      config: { endpoint: 'ris', connections: 4, response: { AR: 'retry', 'ERR-3.1=206': 'retry', AE: 'dead-letter' } },
    },
  ],
  create: (c, context) => new MllpDestination(c, context),
});
