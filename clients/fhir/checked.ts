import type { Resource } from '@medplum/fhirtypes';
import type { Format } from '../../core/format.ts';
import { validateResource } from './validate.ts';

/** The format, with what is wrong with its values by the definitions of FHIR R4: what `validation` of a channel looks for. */
export function checked<T extends Resource>(format: Format<T>): Format<T> {
  return { ...format, validate: validateResource };
}
