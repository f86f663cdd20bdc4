import { type JsonValue, json } from '../contracts/json.ts';
import { everyAt, firstAt, type JsonStep, readJsonPath } from '../contracts/json-path.ts';
import type { FormatLanguage } from '../core/config/format-language.ts';
import { splitJson } from '../transforms/mapping/json-split.ts';

/** Paths into JSON in the keys and filters of YAML channels, as maps have them: `patient.mrn`, `ids[type=MR].value`, `orders[].code`. */
export function jsonLanguage(format: { readonly id: string }): FormatLanguage<JsonValue> {
  return {
    format: format.id,
    // An item of a contract's list is no payload of that contract.
    ...(format.id === json.id && { split: (at: string) => splitJson(json, at) }),
    path: (text) => {
      const steps = readJsonPath(text);
      return {
        values: (payload) => valuesAt(payload, steps),
        exists: (payload) => firstAt(payload, steps) !== undefined,
      };
    },
    key: (texts) => {
      const paths = texts.map((text) => readJsonPath(text));
      return (payload) => paths.flatMap((steps) => valuesAt(payload, steps));
    },
  };
}

/** What is no list and no object, as text. */
function valuesAt(payload: JsonValue, steps: readonly JsonStep[]): readonly string[] {
  return everyAt(payload, steps).flatMap((value) =>
    value === null || value === '' || typeof value === 'object' ? [] : [String(value)],
  );
}
