import type { JsonValue } from '../../contracts/json.ts';
import { firstAt, type JsonStep, readJsonPath } from '../../contracts/json-path.ts';
import { describeThrown } from '../../core/errors.ts';

/**
 * Reads a path into a JSON payload, with the words of maps: `patient.name`, `orders[0].code` (from 0), `identifiers[type=MR].value` (the
 * first that has it), `['odd name'].x`; `$` is the whole payload. Throws SyntaxError.
 */
export function payloadPath(text: string): (payload: JsonValue) => JsonValue | undefined {
  if (text === '$') return (payload) => payload;
  const steps = stepsOf(text);
  if (steps.some(({ kind }) => kind === 'every'))
    throw new SyntaxError('a column takes one value: [] would be every one');
  return (payload) => firstAt(payload, steps);
}

function stepsOf(text: string): readonly JsonStep[] {
  try {
    return readJsonPath(text);
  } catch (thrown) {
    throw new SyntaxError(thrown instanceof Error ? thrown.message : describeThrown(thrown));
  }
}
