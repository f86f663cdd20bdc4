import { patientNames } from '../protocols/fhir/patient-names.ts';
import type { FhirResource } from '../protocols/fhir/resource.ts';
import type { Resource } from './fhir.ts';

/**
 * What to order resources and bundles by, for `.keyBy(patientKeys)`: every name of every patient whom they are about, `Patient/123`
 * and `system|value`. A bundle about two patients waits for both. In YAML: `key: [$patient]`.
 */
export function patientKeys(resource: Resource): readonly string[] {
  return patientNames(resource as unknown as FhirResource);
}
