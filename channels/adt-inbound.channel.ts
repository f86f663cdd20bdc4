import {
  adapters,
  connectors,
  defineChannel,
  type Hl7Message,
  original,
  type PatientEvent,
  topics,
  transforms,
  via,
  when,
} from 'weir';

const isAdt = (message: Hl7Message) => message.type.startsWith('ADT^');
const isCreated = ({ kind }: PatientEvent) => kind === 'created';
const isUpdated = ({ kind }: PatientEvent) => kind === 'updated';
const isMerged = ({ kind }: PatientEvent) => kind === 'merged';
/** A visit of class N is none (HL7 table 0004). */
const isOfVisit = ({ kind, visit }: PatientEvent) => kind !== 'merged' && visit !== undefined && visit.class !== 'N';

/**
 * Patient events from the EHR's ADT feed, and each message as a bundle of FHIR. A merge (A40) concerns two patients: it is in order
 * with the messages of both, and is published under both keys.
 */
export default defineChannel('adt-inbound', { labels: { group: 'clinical' }, duplicates: 'detect' })
  .from(adapters.mllp({ endpoint: 'ehr-adt-in' }))
  .filter(isAdt)
  .keyBy((message) => message.keys('PID-3[5=MR]', 'MRG-1[5=MR]'))
  .through(transforms.hl7v2ToPatientEvent({}))
  .to('clinical', connectors.publish(topics.patient))
  .to('created', when(isCreated, connectors.publish(topics.patientCreated)))
  .to('updated', when(isUpdated, connectors.publish(topics.patientUpdated)))
  .to('merged', when(isMerged, connectors.publish(topics.patientMerged)))
  .to('encounters', when(isOfVisit, connectors.publish(topics.encounter)))
  .to('bundles', original(via(transforms.hl7v2ToFhir({}), connectors.publish(topics.bundle))))
  .to('archive', original(connectors.file({ endpoint: 'archive-adt' })));
