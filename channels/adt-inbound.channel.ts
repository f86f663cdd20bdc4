import { adapters, connectors, defineChannel, type Hl7Message, original, topics, transforms } from 'weir';

const isAdt = (message: Hl7Message) => message.type.startsWith('ADT^');

/**
 * Patient events from the EHR's ADT feed. A merge (A40) concerns two patients: it is in order with the messages of both, and is
 * published under both keys.
 */
export default defineChannel('adt-inbound', { labels: { group: 'clinical' }, duplicates: 'detect' })
  .from(adapters.mllp({ endpoint: 'ehr-adt-in' }))
  .filter(isAdt)
  .keyBy((message) => message.keys('PID-3[5=MR]', 'MRG-1[5=MR]'))
  .through(transforms.hl7v2ToPatientEvent({}))
  .to('clinical', connectors.publish(topics.patient))
  .to('archive', original(connectors.file({ endpoint: 'archive-adt' })));
