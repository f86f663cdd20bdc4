/** What channel files import as `weir`. */
import { astm as astmIn } from './adapters/astm/astm.ts';
import { channel as channelIn } from './adapters/channel/channel.ts';
import { events } from './adapters/events/events.ts';
import { fhir as fhirIn } from './adapters/fhir/fhir.ts';
import { file as fileIn } from './adapters/file/file.ts';
import { http as httpIn } from './adapters/http/http.ts';
import { kafka as kafkaIn } from './adapters/kafka/kafka.ts';
import { mllp as mllpIn } from './adapters/mllp/mllp.ts';
import { modbus as modbusIn } from './adapters/modbus/modbus.ts';
import { mqtt as mqttIn } from './adapters/mqtt/mqtt.ts';
import { postgres as postgresIn } from './adapters/postgres/postgres.ts';
import { rabbitmq as rabbitmqIn } from './adapters/rabbitmq/rabbitmq.ts';
import { schedule } from './adapters/schedule/schedule.ts';
import { serial } from './adapters/serial/serial.ts';
import { sftp as sftpIn } from './adapters/sftp/sftp.ts';
import { astm as astmOut } from './connectors/astm/astm.ts';
import { channel as channelOut } from './connectors/channel/channel.ts';
import { discard } from './connectors/discard/discard.ts';
import { email } from './connectors/email/email.ts';
import { fhir as fhirOut } from './connectors/fhir/fhir.ts';
import { file as fileOut } from './connectors/file/file.ts';
import { http as httpOut } from './connectors/http/http.ts';
import { kafka as kafkaOut } from './connectors/kafka/kafka.ts';
import { mllp as mllpOut } from './connectors/mllp/mllp.ts';
import { modbus as modbusOut } from './connectors/modbus/modbus.ts';
import { mqtt as mqttOut } from './connectors/mqtt/mqtt.ts';
import { postgres as postgresOut } from './connectors/postgres/postgres.ts';
import { postgresReadings } from './connectors/postgres-readings/postgres-readings.ts';
import { publish } from './connectors/publish/publish.ts';
import { rabbitmq as rabbitmqOut } from './connectors/rabbitmq/rabbitmq.ts';
import { sftp as sftpOut } from './connectors/sftp/sftp.ts';
import { hl7Batch } from './contracts/envelopes/hl7-batch.ts';
import { jsonArray } from './contracts/envelopes/json-array.ts';
import { lines } from './contracts/envelopes/lines.ts';
import { deviceToLabResult } from './transforms/device-to-lab-result/device-to-lab-result.ts';
import { deviceToReading } from './transforms/device-to-reading/device-to-reading.ts';
import { fhirToHl7v2 } from './transforms/fhir-to-hl7v2/fhir-to-hl7v2.ts';
import { hl7v2ToAppointment } from './transforms/hl7v2-to-appointment/hl7v2-to-appointment.ts';
import { hl7v2ToCharge } from './transforms/hl7v2-to-charge/hl7v2-to-charge.ts';
import { hl7v2ToFhir } from './transforms/hl7v2-to-fhir/hl7v2-to-fhir.ts';
import { hl7v2ToImmunization } from './transforms/hl7v2-to-immunization/hl7v2-to-immunization.ts';
import { hl7v2ToLabResult } from './transforms/hl7v2-to-lab-result/hl7v2-to-lab-result.ts';
import { hl7v2ToPatientEvent } from './transforms/hl7v2-to-patient-event/hl7v2-to-patient-event.ts';
import { hl7v2ToReading } from './transforms/hl7v2-to-reading/hl7v2-to-reading.ts';
import { labResultToCritical } from './transforms/lab-result-to-critical/lab-result-to-critical.ts';
import { mapping } from './transforms/mapping/mapping.ts';
import { readingToFhir } from './transforms/reading-to-fhir/reading-to-fhir.ts';
import { readingToHl7v2 } from './transforms/reading-to-hl7v2/reading-to-hl7v2.ts';

/** Where messages come from: `.from(adapters.mllp({ … }))`. */
export const adapters = Object.freeze({
  mllp: mllpIn,
  http: httpIn,
  fhir: fhirIn,
  sftp: sftpIn,
  file: fileIn,
  kafka: kafkaIn,
  rabbitmq: rabbitmqIn,
  modbus: modbusIn,
  mqtt: mqttIn,
  astm: astmIn,
  serial,
  postgres: postgresIn,
  schedule,
  events,
  channel: channelIn,
});
/** Where messages go: `.to('lab', connectors.mllp({ … }))`. */
export const connectors = Object.freeze({
  mllp: mllpOut,
  http: httpOut,
  fhir: fhirOut,
  sftp: sftpOut,
  file: fileOut,
  kafka: kafkaOut,
  rabbitmq: rabbitmqOut,
  modbus: modbusOut,
  mqtt: mqttOut,
  astm: astmOut,
  postgres: postgresOut,
  postgresReadings,
  email,
  publish,
  channel: channelOut,
  discard,
});
/** What several messages are put into: `collect({ count: 500, envelope: envelopes.hl7Batch({}) }, connectors.sftp({ … }))`. */
export const envelopes = Object.freeze({ hl7Batch, lines, jsonArray });
/** What changes them on the way: `.through(transforms.hl7v2ToPatientEvent({}))`. */
export const transforms = Object.freeze({
  deviceToReading,
  deviceToLabResult,
  hl7v2ToFhir,
  fhirToHl7v2,
  hl7v2ToPatientEvent,
  hl7v2ToLabResult,
  hl7v2ToAppointment,
  hl7v2ToImmunization,
  hl7v2ToCharge,
  labResultToCritical,
  readingToHl7v2,
  hl7v2ToReading,
  readingToFhir,
  mapping,
});

export { type Appointment, appointment } from './contracts/appointment.ts';
export { astm } from './contracts/astm.ts';
export { type Charge, charge } from './contracts/charge.ts';
export { type PatientEvent, patientEvent } from './contracts/clinical-patient.ts';
export { cronSchedule } from './contracts/cron-schedule.ts';
export { delimitedFormat, delimitedOptions } from './contracts/delimited.ts';
export { type DeviceArrival, type DeviceFrame, deviceArrival } from './contracts/device-arrival.ts';
export { type DeviceWrite, deviceWrite } from './contracts/device-write.ts';
export { type Bundle, fhirBundle, fhirResource } from './contracts/fhir.ts';
export { patientKeys } from './contracts/fhir-keys.ts';
export { fixedWidthFormat, fixedWidthOptions } from './contracts/fixed-width.ts';
export { hl7v2 } from './contracts/hl7v2.ts';
export { type Immunization, immunization } from './contracts/immunization.ts';
export { type JsonValue, json } from './contracts/json.ts';
export { jsonFormat } from './contracts/json-format.ts';
export {
  type CriticalResult,
  criticalResult,
  type LabResult,
  labResult,
  type Observation,
} from './contracts/lab-result.ts';
export type { FlatRecord, RecordFile, RecordFormat } from './contracts/record-file.ts';
export { type SenderProfileInput, senderProfile } from './contracts/sender-profile/sender-profile.ts';
export { splitDocuments } from './contracts/split/hl7-documents.ts';
export { splitHl7 } from './contracts/split/hl7-split.ts';
export { splitRecords } from './contracts/split/record-split.ts';
export { topics } from './contracts/topics.ts';
export {
  type Reading,
  type VitalAlarm,
  type VitalReadings,
  vitalAlarm,
  vitalReadings,
} from './contracts/vitals.ts';
export { type Channel, defineChannel, original, via, when } from './core/builder.ts';
export { collect } from './core/collect.ts';
export type { CollectOptions, Schedule } from './core/collection.ts';
export { defineFilter, defineTransform } from './core/define.ts';
export type { Document } from './core/document.ts';
export { HubError } from './core/errors.ts';
export type { Topic } from './core/events/event-log.ts';
export { bytes, type Format, type Meta } from './core/format.ts';
export type { Message } from './core/message.ts';
export { type Many, many, type Predicate, type Step } from './core/transform.ts';
export { withProfile } from './core/with-profile.ts';
export { build as buildAstm } from './protocols/astm/build.ts';
export type { AstmMessage } from './protocols/astm/message.ts';
export type { FieldInput, SegmentInput } from './protocols/hl7v2/input.ts';
export { type Hl7Message, parse } from './protocols/hl7v2/message.ts';
export { compilePath } from './protocols/hl7v2/path.ts';
export type { ValueScript } from './transforms/mapping/function.ts';
export { splitJson } from './transforms/mapping/json-split.ts';
export type { MapFormats } from './transforms/mapping/mapping.ts';
export type { ResultScript } from './transforms/mapping/rules.ts';
