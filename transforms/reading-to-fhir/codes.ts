import type { CodeableConcept, Coding } from '@medplum/fhirtypes';
import type { Reading } from '../../contracts/vitals.ts';

export const LOINC = 'http://loinc.org';
/** IEEE 11073-10101, its codes as numbers: partition × 65,536 + term. */
export const MDC = 'urn:iso:std:iso:11073:10101';
export const UCUM = 'http://unitsofmeasure.org';

/** By LOINC: the codes of the vital-signs profiles of R4 (hl7.org/fhir/R4/observation-vitalsigns.html), with the unit that each asks for. */
const VITAL_SIGNS: Readonly<Record<string, readonly string[]>> = {
  '9279-1': ['/min'],
  '8867-4': ['/min'],
  '2708-6': ['%'],
  '8310-5': ['Cel', '[degF]'],
  '8302-2': ['cm', '[in_i]'],
  '9843-4': ['cm', '[in_i]'],
  '29463-7': ['g', 'kg', '[lb_av]'],
  '39156-5': ['kg/m2'],
  '8480-6': ['mm[Hg]'],
  '8462-4': ['mm[Hg]'],
};

/** A vital sign by the profile that R4 has for it; one in another unit is an observation like any other. */
export function isVitalSign({ code, unit }: Reading): boolean {
  const sign = code?.loinc?.find((each) => Object.hasOwn(VITAL_SIGNS, each));
  return sign !== undefined && (unit === undefined || VITAL_SIGNS[sign]!.includes(plainUnit(unit)));
}

/** A unit without its annotations: `{beats}/min` is `/min`; what is nothing else is the unit 1 (UCUM §12). */
export function plainUnit(unit: string): string {
  return unit.replaceAll(/\{[^{}]*\}/g, '') || '1';
}

/** A unit for people: `beats/min`. */
export function shownUnit(unit: string): string {
  return unit.replaceAll(/\{([^{}]*)\}/g, '$1');
}

/** Every code that the profile of the device has for a point, and the point itself: without any other it is still known what it is. */
export function codeOf(profile: string, { point, code }: Reading): CodeableConcept {
  const coding: Coding[] = (code?.loinc ?? []).map((loinc) => ({ system: LOINC, code: loinc }));
  if (code?.mdc !== undefined) coding.push({ system: MDC, code: String(code.mdc) });
  coding.push({ system: `urn:weir:device-profile:${encodeURIComponent(profile)}`, code: point });
  return { coding, text: point };
}
