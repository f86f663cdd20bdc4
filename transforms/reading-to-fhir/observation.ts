import type {
  CodeableConcept,
  Device,
  Location,
  Observation,
  ObservationComponent,
  Patient,
  Reference,
} from '@medplum/fhirtypes';
import type { Reading } from '../../contracts/vitals.ts';
import { codeOf, isVitalSign, LOINC } from './codes.ts';
import { type Group, partOf } from './panels.ts';
import { absentFor, readValue } from './value.ts';

/** What all Observations of one event share. */
export interface Frame {
  readonly profile: string;
  readonly status: 'preliminary' | 'final';
  readonly subject: Reference<Patient | Location | Device>;
  readonly device: Reference<Device>;
  readonly specimen?: string;
  /** Whom it is about is a patient: only then do the profiles of vital signs hold. */
  readonly ofPatient: boolean;
  /** ISO 8601. */
  readonly receivedAt: string;
  readonly maxSkewMs: number;
}

const VITAL_SIGNS = 'http://hl7.org/fhir/StructureDefinition/vitalsigns';

export function observationOf(id: string, { readings, panel }: Group, frame: Frame): Observation {
  const first = readings[0]!;
  const doubtful = readings.some(({ validity }) => validity !== 'Vld');
  const vital = panel !== undefined || isVitalSign(first);
  return {
    resourceType: 'Observation',
    id,
    ...(vital && frame.ofPatient && { meta: { profile: [VITAL_SIGNS] } }),
    status: doubtful ? 'preliminary' : frame.status,
    ...(vital && { category: [category('vital-signs', 'Vital Signs')] }),
    code: panel === undefined ? codeOf(frame.profile, first) : { coding: [{ system: LOINC, code: panel }] },
    subject: frame.subject,
    effectiveDateTime: effectiveAt(first, frame),
    issued: frame.receivedAt,
    ...(panel === undefined ? readValue(first) : { component: componentsOf(readings, frame.profile) }),
    device: frame.device,
    ...(frame.specimen !== undefined && { specimen: { identifier: { value: frame.specimen } } }),
  };
}

/** By the device’s clock, unless that is too far from the hub’s to be believed. */
function effectiveAt({ deviceTime, skewMs }: Reading, { receivedAt, maxSkewMs }: Frame): string {
  return deviceTime !== undefined && Math.abs(skewMs ?? Number.POSITIVE_INFINITY) <= maxSkewMs
    ? deviceTime
    : receivedAt;
}

/** Systolic and diastolic stand in every blood pressure, as its profile asks; what was not measured says so. */
function componentsOf(readings: readonly Reading[], profile: string): ObservationComponent[] {
  const components = readings.map(
    (reading): ObservationComponent => ({ code: codeOf(profile, reading), ...readValue(reading) }),
  );
  for (const [part, code] of ['8480-6', '8462-4'].entries()) {
    if (readings.some((reading) => partOf(reading) === part)) continue;
    components.splice(part, 0, { code: { coding: [{ system: LOINC, code }] }, ...absentFor('unknown') });
  }
  return components;
}

function category(code: string, display: string): CodeableConcept {
  return { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code, display }] };
}
