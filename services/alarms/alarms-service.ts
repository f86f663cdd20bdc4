import type { Identifier } from '../../contracts/clinical-person.ts';
import { topics } from '../../contracts/topics.ts';
import type { VitalScore } from '../../contracts/vital-score.ts';
import type { VitalAlarm, VitalReadings } from '../../contracts/vitals.ts';
import { defineService, type ServiceContext, type ServiceDefinition, type ServiceEvent } from '../../core/service.ts';
import { AlarmsTally } from './alarms-tally.ts';
import {
  type AssociationDocument,
  collections,
  type DeviceDocument,
  eventKey,
  type PatientDocument,
  patientAt,
  patientKey,
  type ThresholdsDocument,
} from './documents.ts';
import { type ScoreAges, withReadings } from './patient-scores.ts';
import { lastAbout, nextExpiry, type Rescored, rescored } from './published-scores.ts';
import { alarmsFor, type WatchedDevices } from './watched-alarms.ts';
import { heard, isLate, unheard, type Watched } from './watched-device.ts';

export interface AlarmsOptions {
  /** As their profiles are at the moment. */
  devices(): WatchedDevices;
  /** How old what a score is computed of may be. */
  readonly ages: ScoreAges;
  /** Whether readings of devices that are with a patient are published once more, with that patient. */
  readonly patientReadings: boolean;
  /** Told of each change of an alarm once it is committed, with how late that is told. */
  changed(alarm: VitalAlarm): void;
  /** As `changed`, of scores. */
  scored(score: VitalScore): void;
  /** What was done in a transaction, once it is committed. */
  counted(tally: AlarmsTally): void;
}

const tickMs = 500;
/** A delay is over by the clock only where no reading can be on its way that says otherwise. */
const graceMs = 500;
/** An id is remembered for so long; a reading that comes twice after that is an old one of its device by its time. */
const rememberMs = 60_000;
const patientsEveryMs = 5_000;
/** What is known of a patient is forgotten after so long without a reading or a chart. */
const forgetPatientMs = 30 * 86_400_000;

/**
 * Alarms by what devices say: conditions of their profiles, with the thresholds of the patient they are with, delays, silence. Each
 * change of an alarm goes to `vitals.critical.v1` once in effect, each change of a patient’s early-warning scores to `vitals.score.v1`.
 * The hub is never the primary alarm of a device.
 */
export function alarmsService(options: AlarmsOptions): ServiceDefinition<VitalReadings> {
  let patientsAt = Number.NEGATIVE_INFINITY;
  return defineService({
    ...{ name: 'alarms', from: 'latest', rememberMs },
    consumes: [topics.vitalReadings],
    publishes: [topics.vitalAlarm, topics.vitalScore, topics.patientReadings],
    handle(events, context) {
      const tally = new AlarmsTally();
      for (const event of events) handleOne(event, context, options, tally);
      context.afterCommit(() => options.counted(tally));
    },
    tick: {
      everyMs: tickMs,
      run(context) {
        look(context, options);
        if (Math.abs(context.now - patientsAt) < patientsEveryMs) return;
        patientsAt = context.now;
        lookAtPatients(context, options);
      },
    },
  });
}

function handleOne(
  { value: message, at }: ServiceEvent<VitalReadings>,
  context: ServiceContext,
  options: AlarmsOptions,
  tally: AlarmsTally,
): void {
  const { state } = context;
  const { device, readings } = message;
  const before = state.get<DeviceDocument>(collections.device, device);
  const associations = state.get<AssociationDocument>(collections.association, device);
  const receivedAt = Date.parse(message.receivedAt);
  const patient = message.patient?.identifiers[0] ?? patientAt(associations, receivedAt);
  const late = isLate(message, at, before);
  tally.readings(late ? 'late' : 'judged', readings.length);
  if (!late) {
    const watched = heard(before, message, alarmsOf(device, patient, context, options), patient, context.now);
    putWatched(device, before, watched, context, options);
  }
  if (!patient) return;
  const key = patientKey(patient);
  const known = state.get<PatientDocument>(collections.patient, key);
  const next = withReadings(known, patient, message, late);
  if (next !== known) {
    const { scores } = putScored(next, Math.max(receivedAt, lastAbout(next)), context, options);
    tally.scores(scores);
  }
  if (options.patientReadings)
    context.publish(topics.patientReadings, eventKey(patient), {
      ...message,
      patient: message.patient ?? { identifiers: [patient] },
    });
}

/** What comes about by time alone. */
function look(context: ServiceContext, options: AlarmsOptions): void {
  const at = context.handledUpTo - graceMs;
  for (const [device, before] of context.state.all<DeviceDocument>(collections.device)) {
    const alarms = alarmsOf(device, before.patient, context, options);
    const watched = unheard(device, before, alarms, at, context.startedAt);
    putWatched(device, before, watched, context, options);
  }
}

/** Scores of what is too old are none any more. */
function lookAtPatients(context: ServiceContext, options: AlarmsOptions): void {
  const at = context.handledUpTo - graceMs;
  for (const [key, document] of context.state.all<PatientDocument>(collections.patient)) {
    const until = nextExpiry(document);
    if (until !== undefined && until < at) putScored(document, until + 1, context, options);
    else if (until === undefined && at - lastAbout(document) > forgetPatientMs)
      context.state.remove(collections.patient, key);
  }
}

/** What is known of a patient, with the scores that it makes; what of them is new is published. */
export function putScored(
  document: PatientDocument,
  at: number,
  context: ServiceContext,
  { ages, scored }: Pick<AlarmsOptions, 'ages' | 'scored'>,
): Rescored {
  const next = rescored(document, at, ages);
  const { patient } = document;
  context.state.put(collections.patient, patientKey(patient), next.document);
  for (const event of next.events) {
    context.publish(topics.vitalScore, eventKey(patient), event);
    context.afterCommit(() => scored(event));
  }
  return next;
}

/** The alarms of a device that is with a patient, or with nobody. */
export function alarmsOf(
  device: string,
  patient: Identifier | undefined,
  { state }: Pick<ServiceContext, 'state'>,
  { devices }: Pick<AlarmsOptions, 'devices'>,
) {
  const thresholds = patient && state.get<ThresholdsDocument>(collections.thresholds, patientKey(patient));
  return alarmsFor(devices().get(device), thresholds);
}

export function putWatched(
  device: string,
  before: DeviceDocument | undefined,
  { document, events }: Watched,
  context: ServiceContext,
  { changed }: Pick<AlarmsOptions, 'changed'>,
): void {
  if (document !== before) context.state.put(collections.device, device, document);
  for (const event of events) {
    context.publish(topics.vitalAlarm, device, event);
    context.afterCommit(() => changed(event));
  }
}
