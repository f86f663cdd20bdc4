import { hl7v2 } from '../../contracts/hl7v2.ts';
import { defineAdapter } from '../../core/define.ts';
import { config } from './config.ts';
import { dialingSource } from './dialing-source.ts';
import { listeningSource } from './listening-source.ts';

/**
 * Receives HL7 v2 messages over MLLP and answers each with its acknowledgement, in the order of arrival (HL7 2.5.1 §2.9,
 * MLLP release 1). A frame without MSH, and what breaks the framing, gets a negative answer or none, and is kept as a fault.
 */
export const mllp = defineAdapter({
  type: 'mllp',
  summary:
    'Receives HL7 v2 messages over MLLP and answers each with its acknowledgement (HL7 2.5.1 §2.9, MLLP release 1).',
  produces: hl7v2,
  acknowledges: 'reply',
  config,
  examples: [
    { title: 'ADT from the main EHR', config: { endpoint: 'ehr-adt-in' } },
    {
      title: 'A sender that ignores MSH-15 and resends on AE',
      config: { endpoint: 'lab-in', storeRefusal: 'AE', acknowledgement: { mode: 'original' } },
    },
    { title: 'An analyzer that waits to be called', config: { connect: 'analyzer', maxMessageBytes: '8MB' } },
  ],
  resources: (c) => (c.endpoint === undefined ? [] : [`endpoint:${c.endpoint}`]),
  create: (c, context) =>
    c.endpoint === undefined ? dialingSource(c.connect ?? '', c, context) : listeningSource(c.endpoint, c, context),
});
