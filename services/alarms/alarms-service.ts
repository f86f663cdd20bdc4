import type { Identifier } from '../../contracts/clinical-person.ts';
import { topics } from '../../contracts/topics.ts';
import type { VitalAlarm, VitalReadings } from '../../contracts/vitals.ts';
import { defineService, type ServiceContext, type ServiceDefinition, type ServiceEvent } from '../../core/service.ts';
import {
  type AssociationDocument,
  collections,
  type DeviceDocument,
  type PatientDocument,
  patientAt,
  patientKey,
  type ThresholdsDocument,
} from './documents.ts';
import { withReadings } from './patient-scores.ts';
import { alarmsFor, type WatchedDevices } from './watched-alarms.ts';
import { heard, isLate, unheard, type Watched } from './watched-device.ts';

export interface AlarmsOptions {
  /** As their profiles are at the moment. */
  devices(): WatchedDevices;
  /** Whether readings of devices that are with a patient are published once more, with that patient. */
  readonly patientReadings: boolean;
  /** Told of each change of an alarm once it is committed, with how late that is told. */
  changed(alarm: VitalAlarm): void;
}

const tickMs = 500;
/** A delay is over by the clock only where no reading can be on its way that says otherwise. */
const graceMs = 500;
/** An id is remembered for so long; a reading that comes twice after that is an old one of its device by its time. */
const rememberMs = 60_000;

/**
 * Alarms by what devices say: conditions of their profiles, with the thresholds of the patient they are with, delays, silence. Each
 * change of an alarm goes to `vitals.critical.v1` once in effect. The hub is never the primary alarm of a device.
 */
export function alarmsService(options: AlarmsOptions): ServiceDefinition<VitalReadings> {
  return defineService({
    ...{ name: 'alarms', from: 'latest', rememberMs },
    consumes: [topics.vitalReadings],
    publishes: [topics.vitalAlarm, topics.patientReadings],
    handle(events, context) {
      for (const event of events) handleOne(event, context, options);
    },
    tick: { everyMs: tickMs, run: (context) => look(context, options) },
  });
}

function handleOne(
  { value: message, at }: ServiceEvent<VitalReadings>,
  context: ServiceContext,
  options: AlarmsOptions,
): void {
  const { state } = context;
  const { device } = message;
  const before = state.get<DeviceDocument>(collections.device, device);
  const associations = state.get<AssociationDocument>(collections.association, device);
  const patient = message.patient?.identifiers[0] ?? patientAt(associations, Date.parse(message.receivedAt));
  if (!isLate(message, at, before)) {
    const watched = heard(before, message, alarmsOf(device, patient, context, options), patient, context.now);
    putWatched(device, before, watched, context, options);
  }
  if (!patient) return;
  const key = patientKey(patient);
  const known = state.get<PatientDocument>(collections.patient, key);
  const next = withReadings(known, patient, message);
  if (next !== known) state.put(collections.patient, key, next);
  if (options.patientReadings)
    context.publish(topics.patientReadings, key, {
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
