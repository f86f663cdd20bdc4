import { adapters, connectors, defineChannel, type Hl7Message, original, topics, transforms, via } from 'weir';

const isCharge = (message: Hl7Message) => message.type === 'DFT^P03';

/** Charges of the EHR as they are made: one event for each transaction, and the message as a bundle of FHIR. */
export default defineChannel('dft-inbound', { labels: { group: 'billing' }, duplicates: 'detect' })
  .from(adapters.mllp({ endpoint: 'ehr-dft-in' }))
  .filter(isCharge)
  .keyBy((message) => message.keys('PID-3[5=MR]'))
  .through(transforms.hl7v2ToCharge({}))
  .to('charges', connectors.publish(topics.charge))
  .to('bundles', original(via(transforms.hl7v2ToFhir({}), connectors.publish(topics.bundle))));
