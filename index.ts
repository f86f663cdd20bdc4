/** What channel files import as `weir`. */
import { events } from './adapters/events/events.ts';
import { file as fileIn } from './adapters/file/file.ts';
import { mllp as mllpIn } from './adapters/mllp/mllp.ts';
import { discard } from './connectors/discard/discard.ts';
import { file as fileOut } from './connectors/file/file.ts';
import { mllp as mllpOut } from './connectors/mllp/mllp.ts';
import { publish } from './connectors/publish/publish.ts';
import { hl7v2ToLabResult } from './transforms/hl7v2-to-lab-result/hl7v2-to-lab-result.ts';
import { hl7v2ToPatientEvent } from './transforms/hl7v2-to-patient-event/hl7v2-to-patient-event.ts';
import { labResultToCritical } from './transforms/lab-result-to-critical/lab-result-to-critical.ts';

/** Where messages come from: `.from(adapters.mllp({ … }))`. */
export const adapters = Object.freeze({ mllp: mllpIn, file: fileIn, events });
/** Where messages go: `.to('lab', connectors.mllp({ … }))`. */
export const connectors = Object.freeze({ mllp: mllpOut, file: fileOut, publish, discard });
/** What changes them on the way: `.through(transforms.hl7v2ToPatientEvent({}))`. */
export const transforms = Object.freeze({ hl7v2ToPatientEvent, hl7v2ToLabResult, labResultToCritical });

export { type PatientEvent, patientEvent } from './contracts/clinical-patient.ts';
export { hl7v2 } from './contracts/hl7v2.ts';
export { jsonFormat } from './contracts/json-format.ts';
export {
  type CriticalResult,
  criticalResult,
  type LabResult,
  labResult,
  type Observation,
} from './contracts/lab-result.ts';
export { topics } from './contracts/topics.ts';
export { type Channel, defineChannel, original, via, when } from './core/builder.ts';
export { defineFilter, defineTransform } from './core/define.ts';
export { HubError } from './core/errors.ts';
export type { Topic } from './core/events/event-log.ts';
export { bytes, type Format, type Meta } from './core/format.ts';
export type { Message } from './core/message.ts';
export { type Many, many, type Predicate, type Step } from './core/transform.ts';
export type { FieldInput, SegmentInput } from './protocols/hl7v2/input.ts';
export { type Hl7Message, parse } from './protocols/hl7v2/message.ts';
export { compilePath } from './protocols/hl7v2/path.ts';
