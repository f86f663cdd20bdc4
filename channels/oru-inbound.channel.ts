import { adapters, connectors, defineChannel, type Hl7Message, original, topics, transforms, via } from 'weir';

const isResult = (message: Hl7Message) => message.type === 'ORU^R01';

/**
 * Results of the laboratory: one event per order, one more for each value that somebody has to be told of now, and the message as a
 * bundle of FHIR.
 */
export default defineChannel('oru-inbound', { labels: { group: 'laboratory' }, duplicates: 'detect' })
  .from(adapters.mllp({ endpoint: 'lab-oru-in' }))
  .filter(isResult)
  .keyBy((message) => message.keys('PID-3[5=MR]'))
  .through(transforms.hl7v2ToLabResult({}))
  .to('results', connectors.publish(topics.labResult))
  .to('critical', via(transforms.labResultToCritical({}), connectors.publish(topics.labResultCritical)))
  .to('bundles', original(via(transforms.hl7v2ToFhir({}), connectors.publish(topics.bundle))));
