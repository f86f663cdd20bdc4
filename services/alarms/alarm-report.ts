import type { Identifier } from '../../contracts/clinical-person.ts';
import type { Reading, VitalAlarm } from '../../contracts/vitals.ts';
import type { ServiceState } from '../../core/service.ts';
import {
  type Association,
  type AssociationDocument,
  collections,
  type DeviceDocument,
  type PatientDocument,
  patientKey,
} from './documents.ts';
import { type PatientScores, type ScoreAges, scoresAt } from './patient-scores.ts';
import type { WatchedDevices } from './watched-alarms.ts';

/** An alarm that is not over. `patient` and `reading` are left out where nobody says who reads them. */
export interface OpenAlarm
  extends Pick<
    VitalAlarm,
    'device' | 'profile' | 'location' | 'subject' | 'alarm' | 'incident' | 'kind' | 'priority' | 'title'
  > {
  readonly state: 'active' | 'acknowledged' | 'latched';
  readonly raisedAt: number;
  readonly since: number;
  readonly by?: string;
  readonly patient?: Identifier;
  readonly reading?: Reading;
}

type Known = Pick<ServiceState, 'get' | 'all'>;

const urgency = { high: 0, medium: 1, low: 2 } as const;

/** The most urgent first, of those the newest. */
export function openAlarms(state: Known, withContent: boolean): readonly OpenAlarm[] {
  const open: OpenAlarm[] = [];
  for (const [device, { profile, location, subject, alarms }] of state.all<DeviceDocument>(collections.device))
    for (const [alarm, document] of Object.entries(alarms)) {
      const { phase, since, raisedAt, incident, kind, priority, title, by, patient, reading } = document;
      if (raisedAt === undefined || incident === undefined) continue;
      open.push({
        ...{ device, profile, alarm, incident, kind, priority, title, state: stateOf(phase), raisedAt, since },
        ...(location !== undefined && { location }),
        ...(subject !== undefined && { subject }),
        ...(by !== undefined && { by }),
        ...(withContent && patient && { patient }),
        ...(withContent && reading && { reading }),
      });
    }
  return open.toSorted((a, b) => urgency[a.priority] - urgency[b.priority] || b.raisedAt - a.raisedAt);
}

function stateOf(phase: string): OpenAlarm['state'] {
  if (phase === 'latched') return 'latched';
  return phase.startsWith('acknowledged') ? 'acknowledged' : 'active';
}

/** A device of the profiles, or one that was heard. */
export interface KnownDevice {
  readonly device: string;
  readonly profile?: string;
  readonly location?: string;
  readonly heardAt?: number;
  readonly alarms: number;
  /** With a patient, whoever that is. */
  readonly associated: boolean;
  readonly association?: Association;
}

export function knownDevices(state: Known, devices: WatchedDevices, withContent: boolean): readonly KnownDevice[] {
  const heard = new Map(state.all<DeviceDocument>(collections.device));
  const names = new Set([...devices.keys(), ...heard.keys()]);
  return [...names].toSorted().map((device) => {
    const document = heard.get(device);
    const profile = document?.profile ?? devices.get(device)?.profile;
    const location = document?.location ?? devices.get(device)?.location;
    const last = state.get<AssociationDocument>(collections.association, device)?.list.at(-1);
    const association = last?.to === undefined ? last : undefined;
    const alarms = Object.values(document?.alarms ?? {}).filter(({ raisedAt }) => raisedAt !== undefined).length;
    return {
      ...{ device, alarms, associated: association !== undefined },
      ...(profile !== undefined && { profile }),
      ...(location !== undefined && { location }),
      ...(document && { heardAt: document.heardAt }),
      ...(withContent && association && { association }),
    };
  });
}

/** A patient with their scores. */
export interface ScoredPatient extends Pick<PatientScores, 'news2' | 'mews' | 'spo2Scale'> {
  readonly patient: Identifier;
  /** Where the devices are that they are with. */
  readonly devices: readonly Pick<KnownDevice, 'device' | 'location'>[];
}

/** By the patient’s key: the devices that are with them. */
export function devicesOf(state: Known): ReadonlyMap<string, ScoredPatient['devices']> {
  const devices = new Map<string, ScoredPatient['devices']>();
  for (const [device, { list }] of state.all<AssociationDocument>(collections.association)) {
    const last = list.at(-1);
    if (!last || last.to !== undefined) continue;
    const key = patientKey(last.patient);
    const location = state.get<DeviceDocument>(collections.device, device)?.location;
    devices.set(key, [...(devices.get(key) ?? []), { device, ...(location !== undefined && { location }) }]);
  }
  return devices;
}

/** Those about whom something is known that is not too old, the most urgent first. */
export function scoredPatients(state: Known, now: number, ages: ScoreAges): readonly ScoredPatient[] {
  const devices = devicesOf(state);
  const all: ScoredPatient[] = [];
  for (const [key, document] of state.all<PatientDocument>(collections.patient)) {
    const { of, ...scores } = scoresAt(document, now, ages);
    const own = devices.get(key) ?? [];
    if (Object.keys(of).length > 0 || own.length > 0) all.push({ patient: document.patient, devices: own, ...scores });
  }
  const total = ({ news2 }: ScoredPatient) => ('score' in news2 ? news2.score.total : -1);
  return all.toSorted((a, b) => total(b) - total(a));
}
