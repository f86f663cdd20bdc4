import type { Identifier } from '../../contracts/clinical-person.ts';
import { HubError } from '../../core/errors.ts';
import type { ServiceContext } from '../../core/service.ts';
import { type AlarmsOptions, alarmsOf, putScored, putWatched } from './alarms-service.ts';
import {
  type Association,
  type AssociationDocument,
  collections,
  type DeviceDocument,
  type PatientDocument,
  patientKey,
  type Threshold,
  type ThresholdsDocument,
} from './documents.ts';
import type { PatientScores } from './patient-scores.ts';
import { lastAbout } from './published-scores.ts';
import { checkThreshold } from './watched-alarms.ts';
import { acknowledged, passedOn } from './watched-device.ts';

/** What a device remembers of whom it was with. */
const maxAssociations = 200;

/**
 * Somebody has seen an alarm. Acting twice acts once: false where it was acknowledged already. Throws HubError `not-found` where no
 * incident that is not over is called that.
 */
export function acknowledge(context: ServiceContext, options: AlarmsOptions, incident: string, by: string): boolean {
  const [device = '', alarm = ''] = incident.split('/');
  const before = context.state.get<DeviceDocument>(collections.device, device);
  const open = before && Object.hasOwn(before.alarms, alarm) ? before.alarms[alarm] : undefined;
  if (!before || open?.incident !== incident)
    throw new HubError('not-found', 'permanent', `acknowledging ${incident}: no alarm that is not over is called that`);
  const alarms = alarmsOf(device, before.patient, context, options);
  const watched = acknowledged(device, before, alarms, alarm, by, context.now);
  putWatched(device, before, watched, context, options);
  return watched.events.length > 0;
}

/**
 * From now on, or since a time not before it was with anybody else, a device is with a patient. Alarms about whoever it was with are
 * over. Throws HubError `not-found` for a device that nobody knows, and `not-allowed` for a time that does not fit.
 */
export function associate(
  context: ServiceContext,
  options: AlarmsOptions,
  device: string,
  patient: Identifier,
  from = context.now,
): Association {
  const { state, now } = context;
  const doing = `associating ${device}`;
  if (!options.devices().has(device) && !state.get(collections.device, device))
    throw new HubError('not-found', 'permanent', `${doing}: no profile has this device, and it was never heard`);
  const list = state.get<AssociationDocument>(collections.association, device)?.list ?? [];
  const last = list.at(-1);
  if (last && last.to === undefined && patientKey(last.patient) === patientKey(patient)) return last;
  if (from > now) throw new HubError('not-allowed', 'permanent', `${doing}: its time is yet to come`);
  if (last && from < (last.to ?? last.from))
    throw new HubError('not-allowed', 'permanent', `${doing}: it was with another patient at that time`);
  const before = list.map((each) => (each === last && each.to === undefined ? { ...each, to: from } : each));
  const association = { patient, from };
  put(context, options, device, [...before, association], patient);
  return association;
}

/** From now on a device is with nobody. Throws HubError `not-found` where it is not with anybody. */
export function dissociate(context: ServiceContext, options: AlarmsOptions, device: string): Association {
  const list = context.state.get<AssociationDocument>(collections.association, device)?.list ?? [];
  const last = list.at(-1);
  if (!last || last.to !== undefined)
    throw new HubError('not-found', 'permanent', `dissociating ${device}: it is not with a patient`);
  const ended = { ...last, to: context.now };
  put(context, options, device, [...list.slice(0, -1), ended], undefined);
  return ended;
}

function put(
  context: ServiceContext,
  options: AlarmsOptions,
  device: string,
  list: readonly Association[],
  patient: Identifier | undefined,
): void {
  context.state.put(collections.association, device, { list: list.slice(-maxAssociations) });
  const before = context.state.get<DeviceDocument>(collections.device, device);
  if (before) putWatched(device, before, passedOn(device, before, patient, context.now), context, options);
}

/**
 * An alarm is raised by other limits for one patient, or not at all; with undefined by those of the profile again. Throws HubError
 * `not-found` and `config-invalid` as `checkThreshold`.
 */
export function setThreshold(
  { state, now }: ServiceContext,
  { devices }: Pick<AlarmsOptions, 'devices'>,
  patient: Identifier,
  alarm: string,
  threshold: Threshold | undefined,
  by: string,
): void {
  if (threshold) checkThreshold(devices(), alarm, threshold);
  const key = patientKey(patient);
  const known = state.get<ThresholdsDocument>(collections.thresholds, key)?.alarms ?? {};
  const { [alarm]: _, ...rest } = known;
  const alarms = threshold ? { ...rest, [alarm]: { ...threshold, by, at: now } } : rest;
  if (Object.keys(alarms).length === 0) state.remove(collections.thresholds, key);
  else state.put(collections.thresholds, key, { patient, alarms } satisfies ThresholdsDocument);
}

/** What no device tells, as people take it; only what is given changes. */
export interface Charted {
  readonly consciousness?: 'A' | 'C' | 'V' | 'P' | 'U' | undefined;
  readonly onOxygen?: boolean | undefined;
  /** An order of a clinician for SpO2 scale 2; false ends it. */
  readonly scale2?: boolean | undefined;
}

export function chart(
  context: ServiceContext,
  options: Pick<AlarmsOptions, 'ages' | 'scored'>,
  patient: Identifier,
  charted: Charted,
  by: string,
): PatientScores {
  const { state, now } = context;
  const key = patientKey(patient);
  const { scale2, ...known } = state.get<PatientDocument>(collections.patient, key) ?? { patient, vitals: {} };
  const { consciousness, onOxygen } = charted;
  const order = charted.scale2 === undefined ? scale2 : charted.scale2 ? (scale2 ?? { by, at: now }) : undefined;
  const document: PatientDocument = {
    ...known,
    ...(consciousness !== undefined && { consciousness: { value: consciousness, at: now, from: by } }),
    ...(onOxygen !== undefined && { onOxygen: { value: onOxygen, at: now, from: by } }),
    ...(order && { scale2: order }),
  };
  return putScored(document, Math.max(now, lastAbout(document)), context, options).scores;
}
