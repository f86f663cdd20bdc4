import type { Resource } from '../contracts/fhir.ts';
import { patientKeys } from '../contracts/fhir-keys.ts';
import type { JsonValue } from '../contracts/json.ts';
import type { FormatLanguage } from '../core/config/format-language.ts';
import { jsonLanguage } from './json-language.ts';

/** What `key:` says for every name of every patient whom a resource is about, whichever way it says so. */
const PATIENT = '$patient';

/** Paths into resources as into JSON (`entry[].resource.status`), and `$patient`. */
export function fhirLanguage(format: { readonly id: string }): FormatLanguage<Resource> {
  const json = jsonLanguage(format);
  const paths: FormatLanguage<Resource> = {
    format: format.id,
    path: (text) => {
      if (text === PATIENT) return { values: patientKeys, exists: (resource) => patientKeys(resource).length > 0 };
      const path = json.path(text);
      return {
        values: (resource) => path.values(resource as unknown as JsonValue),
        exists: (resource) => path.exists(resource as unknown as JsonValue),
      };
    },
    key: (texts) => {
      const all = texts.map((text) => paths.path(text));
      return (resource) => all.flatMap((path) => path.values(resource));
    },
  };
  return paths;
}
