import type { JsonValue } from '../../contracts/json.ts';

type Step = string | number | { readonly key: string; readonly value: string };
const firstKey = /^([\w@-]+)/;
const laterKey = /^\.([\w@-]+)/;
const bracketStep = /^\[(?:(\d{1,9})|'([^']+)'|([\w@-]+)=([^\]]+))\]/;

/**
 * Reads a path into a JSON payload, with the words of maps: `patient.name`, `orders[0].code` (from 0), `identifiers[type=MR].value` (the
 * first that has it), `['odd name'].x`; `$` is the whole payload. Throws SyntaxError.
 */
export function payloadPath(text: string): (payload: JsonValue) => JsonValue | undefined {
  const steps = text === '$' ? [] : stepsOf(text);
  return (payload) => {
    let current: JsonValue | undefined = payload;
    for (let at = 0; at < steps.length && current !== undefined; at++) current = taken(current, steps[at]!);
    return current;
  };
}

function stepsOf(text: string): readonly Step[] {
  const steps: Step[] = [];
  for (let at = 0; at < text.length; ) {
    const rest = text.slice(at);
    const key = (at === 0 ? firstKey : laterKey).exec(rest);
    const bracket = key ? undefined : bracketStep.exec(rest);
    if (key) steps.push(key[1]!);
    else if (bracket) {
      const [, index, odd, name, value] = bracket;
      steps.push(index !== undefined ? Number(index) : (odd ?? { key: name!, value: value! }));
    } else throw new SyntaxError(`a path cannot be read from its position ${at}`);
    at += (key ?? bracket!)[0].length;
  }
  if (steps.length === 0) throw new SyntaxError('a path is empty');
  return steps;
}

function taken(value: JsonValue, step: Step): JsonValue | undefined {
  if (typeof step === 'string') return isObject(value) && Object.hasOwn(value, step) ? value[step] : undefined;
  if (!Array.isArray(value)) return undefined;
  const items = value as readonly JsonValue[];
  if (typeof step === 'number') return items[step];
  return items.find((item) => {
    const found = isObject(item) && Object.hasOwn(item, step.key) ? item[step.key] : undefined;
    return found !== null && found !== undefined && typeof found !== 'object' && String(found) === step.value;
  });
}

function isObject(value: JsonValue): value is { readonly [key: string]: JsonValue | undefined } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
