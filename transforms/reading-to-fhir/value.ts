import type { CodeableConcept, ObservationComponent } from '@medplum/fhirtypes';
import { hasValue, type Reading } from '../../contracts/vitals.ts';
import { plainUnit, shownUnit, UCUM } from './codes.ts';

/** Of an Observation or of one of its components. */
export type Value = Pick<
  ObservationComponent,
  'valueQuantity' | 'valueBoolean' | 'valueString' | 'dataAbsentReason' | 'interpretation' | 'extension'
>;

/** Where a value is questionable: the extension that says so. */
export const VALIDITY = 'urn:weir:vitals:validity';

/** Never a value that the device did not vouch for: what is missing says why. */
export function readValue(reading: Reading): Value {
  const { value, unit, validity } = reading;
  if (!hasValue(validity) || value === undefined) return missing(validity);
  const doubt = validity === 'Qst' ? { extension: [{ url: VALIDITY, valueCode: validity }] } : {};
  if (typeof value === 'boolean') return { ...doubt, valueBoolean: value };
  // FHIR has no empty text.
  if (typeof value === 'string') return value.trim() === '' ? absentFor('unknown') : { ...doubt, valueString: value };
  if (!Number.isFinite(value)) return absentFor('not-a-number');
  const quantity =
    unit === undefined ? { value } : { value, unit: shownUnit(unit), system: UCUM, code: plainUnit(unit) };
  return { ...doubt, valueQuantity: quantity };
}

export function absentFor(code: 'unknown' | 'error' | 'not-a-number'): Value {
  return { dataAbsentReason: concept('http://terminology.hl7.org/CodeSystem/data-absent-reason', code) };
}

/** Over and under what can be measured are off the scale, which is a finding and no value. */
function missing(validity: Reading['validity']): Value {
  const scale = validity === 'Oflw' ? '>' : validity === 'Uflw' ? '<' : undefined;
  if (scale === undefined) return absentFor('error');
  const system = 'http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation';
  return { ...absentFor('unknown'), interpretation: [concept(system, scale)] };
}

function concept(system: string, code: string): CodeableConcept {
  return { coding: [{ system, code }] };
}
