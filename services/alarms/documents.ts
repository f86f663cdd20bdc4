import type { Identifier } from '../../contracts/clinical-person.ts';
import type { Reading, VitalAlarm } from '../../contracts/vitals.ts';
import type { AlarmState } from './alarm-machine.ts';

/** Collections of the service’s state, and what is in them. Times are milliseconds since 1970, by the hub’s clock. */
export const collections = {
  device: 'device',
  association: 'association',
  thresholds: 'thresholds',
  patient: 'patient',
} as const;

/** The last that a point said. */
export type PointDocument = Pick<Reading, 'value' | 'validity' | 'unit'> & { readonly at: number };

/** Where one alarm of a device stands that is not idle, and what is said of its incident until that is over. */
export interface AlarmDocument extends AlarmState, Pick<VitalAlarm, 'title' | 'priority' | 'kind'> {
  readonly incident?: string;
  /** When what raised it had come in. */
  readonly heardAt?: number;
  readonly patient?: Identifier;
  readonly reading?: Reading;
  /** Who acknowledged it. */
  readonly by?: string;
}

/** By the device’s id. */
export interface DeviceDocument {
  readonly profile: string;
  readonly location?: string;
  readonly subject?: string;
  readonly heardAt: number;
  /** When the service heard of it, by its own clock: silence is counted from then. */
  readonly seenAt: number;
  /** With whom it was when it was heard last. */
  readonly patient?: Identifier;
  readonly points: Readonly<Record<string, PointDocument>>;
  readonly alarms: Readonly<Record<string, AlarmDocument>>;
}

export interface Association {
  readonly patient: Identifier;
  readonly from: number;
  readonly to?: number;
}

/** By the device’s id: the oldest first, of which the last may be in force. */
export interface AssociationDocument {
  readonly list: readonly Association[];
}

/** What is different for one patient: conditions as profiles write them. */
export interface Threshold {
  readonly when?: string | undefined;
  readonly clearWhen?: string | undefined;
  readonly raiseAfterMs?: number | undefined;
  readonly clearAfterMs?: number | undefined;
  readonly priority?: 'low' | 'medium' | 'high' | undefined;
  /** It is not watched for. */
  readonly off?: boolean | undefined;
}

/** By the patient’s key. */
export interface ThresholdsDocument {
  readonly patient: Identifier;
  /** By the alarm’s id. */
  readonly alarms: Readonly<Record<string, Threshold & { readonly by: string; readonly at: number }>>;
}

export interface Observed<V> {
  readonly value: V;
  readonly at: number;
  /** The device, or who charted it. */
  readonly from: string;
}

/** By the patient’s key: what scores are computed of. */
export interface PatientDocument {
  readonly patient: Identifier;
  readonly vitals: Readonly<Partial<Record<ScoredPoint, Observed<number>>>>;
  readonly consciousness?: Observed<'A' | 'C' | 'V' | 'P' | 'U'>;
  readonly onOxygen?: Observed<boolean>;
  /** A clinician’s order. */
  readonly scale2?: { readonly by: string; readonly at: number };
  /** The scores that were published last; one that is not there any more is left out. */
  readonly published?: Readonly<Partial<Record<ScoreName, PublishedScore>>>;
}

export type ScoreName = 'NEWS2' | 'MEWS';

export interface PublishedScore {
  readonly points: Readonly<Record<string, number>>;
  readonly spo2Scale?: 1 | 2;
  /** When the first of what it is computed of is too old. */
  readonly until: number;
}

export type ScoredPoint = 'respiration' | 'spo2' | 'systolic' | 'pulse' | 'temperature';

/** A patient as a key: the value alone identifies nobody. */
export function patientKey({ value, authority }: Identifier): string {
  return authority === undefined ? value : `${value}@${authority}`;
}

/** The patient as the key of events, as channels take it from PID-3: `4711001^HOSP`. */
export function eventKey({ value, authority }: Identifier): string {
  return authority === undefined ? value : `${value}^${authority}`;
}

/** With whom a device was at a time; nobody where no association says it. */
export function patientAt(document: AssociationDocument | undefined, at: number): Identifier | undefined {
  return document?.list.findLast(({ from, to }) => from <= at && (to === undefined || at < to))?.patient;
}
