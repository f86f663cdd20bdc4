import type { JsonValue } from '../../contracts/json.ts';
import { everyAt, readJsonPath } from '../../contracts/json-path.ts';
import type { Format } from '../../core/format.ts';
import { many, type TransformSpec } from '../../core/transform.ts';

/**
 * Makes one payload of each value at a path: `orders` of each item of that list, `patients[].orders[]` of all of them. A message
 * without one is filtered. Throws HubError `config-invalid` for what is no path.
 */
export function splitJson(format: Format<JsonValue>, path: string): TransformSpec<JsonValue, JsonValue> {
  const steps = readJsonPath(path);
  return Object.freeze({
    kind: 'transform' as const,
    type: 'split',
    config: { at: path },
    accepts: format,
    produces: format,
    create: () => (payload: JsonValue) => {
      const found = everyAt(payload, steps);
      const [only] = found;
      return many(found.length === 1 && Array.isArray(only) ? (only as readonly JsonValue[]) : found);
    },
  });
}
