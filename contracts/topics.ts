import type { Topic } from '../core/events/event-log.ts';
import type { Format } from '../core/format.ts';
import { appointment } from './appointment.ts';
import { charge } from './charge.ts';
import { patientEvent } from './clinical-patient.ts';
import { fhirBundle } from './fhir.ts';
import { hubAlert } from './hub-alert.ts';
import { immunization } from './immunization.ts';
import { criticalResult, labResult } from './lab-result.ts';
import { vitalScore } from './vital-score.ts';
import { vitalAlarm, vitalReadings } from './vitals.ts';

const DAY_MS = 86_400_000;

/** A topic is named after its format: one contract, one stream, unless its readers want a part of it. */
function topicOf<T>(format: Format<T>, retentionMs: number): Topic<T> {
  return Object.freeze({ name: format.id, format, partitions: 8, retentionMs });
}

/** A stream of some events of a contract. */
function partOf<T>(name: string, format: Format<T>, retentionMs: number): Topic<T> {
  return Object.freeze({ ...topicOf(format, retentionMs), name });
}

/** What channels publish and services consume. The key of an event is the patient's: events of one patient are in order. */
export const topics = Object.freeze({
  /** Every event of patients and their visits, and of its kinds what many readers want alone, under the same contract. */
  patient: topicOf(patientEvent, 14 * DAY_MS),
  patientCreated: partOf('patient.created.v1', patientEvent, 14 * DAY_MS),
  patientUpdated: partOf('patient.updated.v1', patientEvent, 14 * DAY_MS),
  patientMerged: partOf('patient.merged.v1', patientEvent, 14 * DAY_MS),
  /** Whatever is about a visit: admitted, transferred, discharged, updated, and what cancels these. */
  encounter: partOf('clinical.encounter.v1', patientEvent, 14 * DAY_MS),
  appointment: topicOf(appointment, 14 * DAY_MS),
  appointmentScheduled: partOf('appointment.scheduled.v1', appointment, 14 * DAY_MS),
  appointmentCancelled: partOf('appointment.cancelled.v1', appointment, 14 * DAY_MS),
  immunization: topicOf(immunization, 14 * DAY_MS),
  charge: topicOf(charge, 14 * DAY_MS),
  /** Of messages as a whole, in FHIR R4. */
  bundle: topicOf(fhirBundle, 14 * DAY_MS),
  labResult: topicOf(labResult, 14 * DAY_MS),
  labResultCritical: topicOf(criticalResult, 14 * DAY_MS),
  /** Of devices: their key is the device’s, unless its profile says another. */
  vitalReadings: topicOf(vitalReadings, 7 * DAY_MS),
  /** The same contract, of those devices that are with a patient, who is said and is the key. */
  patientReadings: partOf('vitals.patient.v1', vitalReadings, 7 * DAY_MS),
  vitalAlarm: topicOf(vitalAlarm, 90 * DAY_MS),
  /** Of patients, who are the key. */
  vitalScore: topicOf(vitalScore, 90 * DAY_MS),
  /** Of the hub about itself: the key of an event is the incident’s. */
  hubAlert: topicOf(hubAlert, 90 * DAY_MS),
});

/** The topic of that name, as a YAML channel names it; undefined when there is none. */
export function topicNamed(name: string): Topic<unknown> | undefined {
  return byName.get(name);
}

const byName: ReadonlyMap<string, Topic<unknown>> = new Map(
  (Object.values(topics) as readonly Topic<unknown>[]).map((topic) => [topic.name, topic]),
);
