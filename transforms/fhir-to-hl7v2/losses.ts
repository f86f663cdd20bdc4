import type { Context } from './context.ts';
import { type Element, isElement, MOST_DEPTH } from './element.ts';

/** What says nothing that a message could say: how a resource is stored, and its text for people. */
const ASIDE = new Set(['resourceType', 'id', 'meta', 'text', 'implicitRules', 'reference', 'type']);
const ASIDE_TYPES = new Set(['MessageHeader', 'Provenance', 'Basic', 'Device']);

/** Tells which elements have not landed in the message, each once by its path. */
export function tellLosses(context: Context): void {
  for (const resource of context.resources.all) {
    const { resourceType } = resource;
    if (typeof resourceType !== 'string' || (context.own && ASIDE_TYPES.has(resourceType))) continue;
    walk(resource, resourceType, context, 0);
  }
}

function walk(element: Element, path: string, context: Context, depth: number): void {
  if (depth > MOST_DEPTH) return;
  for (const key in element) {
    const value = element[key];
    if (depth === 0 && ASIDE.has(key)) continue;
    if (key === 'reference' || key === 'div' || context.reading.has(element, key)) continue;
    const name = `${path}.${key}`;
    if (isElement(value)) walk(value, name, context, depth + 1);
    else if (Array.isArray(value)) {
      for (const each of value) {
        if (isElement(each)) walk(each, name, context, depth + 1);
        else if (each !== null) tell(name, context);
      }
    } else if (value !== null && value !== undefined) tell(name, context);
  }
}

function tell(path: string, context: Context): void {
  context.issue('not-landed', path, 'the message does not say it');
}
