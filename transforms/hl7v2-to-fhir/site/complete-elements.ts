import { elementNamed } from '../compile/target.ts';
import type { Draft } from '../segment-view.ts';
import { absent } from '../urls.ts';
import { elementTable, requiredUnder } from './element-table.ts';

type Element = Record<string, unknown>;

/** Elements of which one has to stand: obs-3, con-1, imm-1. */
const ONE_OF: Readonly<Record<string, readonly string[]>> = {
  'Observation.referenceRange': ['text', 'low', 'high'],
  'Condition.stage': ['summary', 'assessment'],
  'Immunization.education': ['documentType', 'reference'],
};

/**
 * Gives a resource that rules of a site have written to what R4 requires beside what they say: elements that have to be there stand
 * as unknown. What is written by the official maps is complete before that.
 */
export function completeElements(draft: Draft): void {
  completeUnder(draft, draft.resourceType);
}

function completeUnder(element: Element, at: string): void {
  for (const name of requiredUnder(at)) {
    if (!isThere(element, name)) fill(element, at, name);
  }
  // qty-3: a code is of a system.
  if (at === 'Quantity' && element.code !== undefined && !isThere(element, 'system')) fill(element, at, 'system');
  const oneOf = ONE_OF[at];
  if (oneOf && !oneOf.some((name) => isThere(element, name))) fill(element, at, oneOf[0]!);
  for (const key in element) {
    const value = element[key];
    if (typeof value !== 'object' || value === null || key.startsWith('_')) continue;
    const found = elementNamed(at, key, elementTable);
    if (!found || found.type === 'Resource' || found.type === 'Extension' || found.type === 'Reference') continue;
    for (const each of Array.isArray(value) ? value : [value])
      if (typeof each === 'object' && each !== null && !isAbsent(each as Element))
        completeUnder(each as Element, found.at);
  }
}

/** What stands as unknown holds nothing else. */
function isAbsent(element: Element): boolean {
  for (const key in element) if (key !== 'extension') return false;
  return element.extension !== undefined;
}

function isThere(element: Element, name: string): boolean {
  if (!name.endsWith('[x]')) return element[name] !== undefined || element[`_${name}`] !== undefined;
  const stem = name.slice(0, -3);
  for (const key in element) {
    const own = key.startsWith('_') ? key.slice(1) : key;
    if (own.startsWith(stem) && /^[A-Z]/.test(own.slice(stem.length))) return true;
  }
  return false;
}

function fill(element: Element, at: string, name: string): void {
  const fact = elementTable.of(`${at}.${name}`);
  if (!fact) return;
  const type = fact.types[0] ?? 'BackboneElement';
  const own = name.endsWith('[x]') ? name.slice(0, -3) + type[0]!.toUpperCase() + type.slice(1) : name;
  const unknown = () => ({ extension: [...absent.extension] });
  if (elementTable.isPrimitive(type)) {
    element[`_${own}`] = fact.array ? [unknown()] : unknown();
    return;
  }
  const made: Element = type === 'BackboneElement' ? {} : unknown();
  if (type === 'BackboneElement') {
    completeUnder(made, fact.sameAs ?? `${at}.${name}`);
    if (Object.keys(made).length === 0) Object.assign(made, unknown());
  }
  element[own] = fact.array ? [made] : made;
}
