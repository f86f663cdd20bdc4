import { isMapping, type Place } from '../../core/config/yaml-file.ts';

export type Scalar = string | number | boolean;

/** Beside those that the profile gives: the device’s id. */
export const DEVICE = 'DEVICE';

const variable = /\$\{([A-Z][A-Z0-9_]*)\}/g;

/** The names of the variables in a text. */
export function variablesIn(text: string): readonly string[] {
  return [...text.matchAll(variable)].map(([, name]) => name!);
}

/**
 * The value with every `${NAME}` in its texts replaced. A text that is nothing but one variable becomes its very value: a number
 * stays one. What has no value stays, and is told to `missing`.
 */
export function withVariables(
  value: unknown,
  scope: ReadonlyMap<string, Scalar>,
  missing: (name: string, place: Place) => void,
  place: Place = [],
): unknown {
  if (typeof value === 'string') return replaced(value, scope, missing, place);
  if (Array.isArray(value)) return value.map((each, index) => withVariables(each, scope, missing, [...place, index]));
  if (!isMapping(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, withVariables(each, scope, missing, [...place, key])]),
  );
}

function replaced(
  text: string,
  scope: ReadonlyMap<string, Scalar>,
  missing: (name: string, place: Place) => void,
  place: Place,
): Scalar {
  if (!text.includes('${')) return text;
  const [only] = variablesIn(text);
  if (only !== undefined && text === `\${${only}}` && scope.has(only)) return scope.get(only)!;
  return text.replace(variable, (whole, name: string) => {
    const found = scope.get(name);
    if (found === undefined) missing(name, place);
    return found === undefined ? whole : String(found);
  });
}
