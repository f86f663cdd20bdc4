import { HubError } from '../core/errors.ts';
import type { JsonValue } from './json.ts';

/** One step of a path into JSON. */
export type JsonStep =
  | { readonly kind: 'key'; readonly key: string }
  /** From 0. */
  | { readonly kind: 'index'; readonly index: number }
  /** Every item; of a path that is written, one more. */
  | { readonly kind: 'every' }
  /** The items whose key has a value. */
  | { readonly kind: 'where'; readonly key: string; readonly value: string };

/**
 * Reads a path: `patient.name`, `orders[0].code` (from 0), `orders[].code` (of every one), `identifiers[type=MR].value`,
 * `['odd name'].x`. Throws HubError `config-invalid`.
 */
export function readJsonPath(text: string): readonly JsonStep[] {
  const steps: JsonStep[] = [];
  for (let at = 0; at < text.length; ) {
    const rest = text.slice(at);
    const key = (at === 0 ? /^[\w$@-]+/ : /^\.[\w$@-]+/).exec(rest)?.[0];
    const inner = key === undefined ? /^\[(?:(\d{1,9})|'([^']+)'|([\w$@-]+)=([^\]]+))?\]/.exec(rest) : undefined;
    if (key !== undefined) steps.push({ kind: 'key', key: key.replace('.', '') });
    else if (inner) steps.push(bracket(inner));
    else
      throw new HubError('config-invalid', 'permanent', `reading a JSON path: it cannot be read from position ${at}`);
    at += (key ?? inner![0]).length;
  }
  if (steps.length === 0) throw new HubError('config-invalid', 'permanent', 'reading a JSON path: it is empty');
  if (steps.some((step) => 'key' in step && step.key === '__proto__'))
    throw new HubError('config-invalid', 'permanent', 'reading a JSON path: __proto__ is no key');
  return steps;
}

function bracket([, index, odd, key, value]: RegExpExecArray): JsonStep {
  if (index !== undefined) return { kind: 'index', index: Number(index) };
  if (odd !== undefined) return { kind: 'key', key: odd };
  if (key !== undefined && value !== undefined) return { kind: 'where', key, value };
  return { kind: 'every' };
}

export function isObject(value: unknown): value is Readonly<Record<string, JsonValue | undefined>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The first value at a path; undefined where there is none. */
export function firstAt(value: JsonValue | undefined, steps: readonly JsonStep[], from = 0): JsonValue | undefined {
  let current = value;
  for (let at = from; at < steps.length; at++) {
    const step = steps[at]!;
    switch (step.kind) {
      case 'key':
        current = isObject(current) && Object.hasOwn(current, step.key) ? current[step.key] : undefined;
        break;
      case 'index':
        current = Array.isArray(current) ? (current[step.index] as JsonValue | undefined) : undefined;
        break;
      case 'every':
      case 'where':
        for (const item of itemsFor(current, step)) {
          const found = firstAt(item, steps, at + 1);
          if (found !== undefined) return found;
        }
        return undefined;
      default:
        step satisfies never;
    }
    if (current === undefined) return undefined;
  }
  return current;
}

/** Every value at a path. */
export function everyAt(value: JsonValue | undefined, steps: readonly JsonStep[], from = 0): readonly JsonValue[] {
  for (let at = from; at < steps.length; at++) {
    const step = steps[at]!;
    if (step.kind !== 'every' && step.kind !== 'where') continue;
    return itemsFor(firstAt(value, steps.slice(from, at)), step).flatMap((item) => everyAt(item, steps, at + 1));
  }
  const found = firstAt(value, steps, from);
  return found === undefined ? [] : [found];
}

function itemsFor(list: JsonValue | undefined, step: JsonStep & { kind: 'every' | 'where' }): readonly JsonValue[] {
  if (!Array.isArray(list)) return [];
  const items = list as readonly JsonValue[];
  if (step.kind === 'every') return items;
  return items.filter((item) => {
    const value = isObject(item) && Object.hasOwn(item, step.key) ? item[step.key] : undefined;
    return value !== null && typeof value !== 'object' && value !== undefined && String(value) === step.value;
  });
}
