import type { Draft } from './segment-view.ts';
import { V2 } from './urls.ts';
import { systemFor } from './vocabulary.ts';

type Element = Record<string, unknown>;

/**
 * Takes out what says nothing: empty texts, lists and elements, extensions without a value, codings twice. An element that
 * refers to a resource stays.
 */
export function clean(draft: Draft): void {
  cleanElement(draft);
}

/** Whether anything is left. */
function cleanElement(element: Element): boolean {
  let left = false;
  for (const key in element) {
    const value = element[key];
    if (typeof value === 'string') {
      if (value === '') delete element[key];
      else left = true;
    } else if (Array.isArray(value)) {
      if (cleanList(value, key)) left = true;
      else delete element[key];
    } else if (typeof value === 'object' && value !== null) {
      // It refers to a resource, which is looked at for itself.
      if (key === 'reference' || cleanElement(value as Element)) left = true;
      else delete element[key];
    } else if (value === undefined || value === null) delete element[key];
    else left = true;
  }
  if (typeof element.system === 'string' && typeof element.code === 'string')
    element.system = systemFor(element.system, element.code);
  putRight(element);
  return left;
}

/** The ends of a period and of a range, where it has both. */
export function putRight(element: Element): void {
  if (typeof element.start === 'string' && typeof element.end === 'string' && element.resourceType === undefined)
    ordered(element);
  if (element.low !== undefined && element.high !== undefined) ranged(element);
}

export function cleanList(list: unknown[], key: string): boolean {
  let at = 0;
  for (const each of list) {
    if (typeof each === 'object' && each !== null) {
      if (!cleanElement(each as Element)) continue;
      if (key === 'extension' && !hasValue(each as Element)) continue;
      if (key === 'coding' && list.slice(0, at).some((other) => sameCoding(other as Element, each as Element)))
        continue;
    } else if (each === '' || each === undefined || each === null) continue;
    list[at++] = each;
  }
  // Even to the length that it has it costs to be set.
  if (at < list.length) list.length = at;
  return at > 0;
}

function hasValue(extension: Element): boolean {
  for (const key in extension)
    if (key.startsWith('value') || key.startsWith('_value') || key === 'extension') return true;
  return false;
}

function sameCoding(one: Element, other: Element): boolean {
  return (
    one.code === other.code && one.system === other.system && other.code !== undefined && other.display === undefined
  );
}

/** A period ends after it begins (per-1): an end that does not is kept beside it. */
function ordered(period: Element): void {
  const start = period.start as string;
  const end = period.end as string;
  const shared = Math.min(start.length, end.length, 10);
  const from = start.slice(0, shared);
  const until = end.slice(0, shared);
  if (from < until) return;
  if (from === until && !(start.length > 10 && end.length > 10 && Date.parse(start) > Date.parse(end))) return;
  delete period.end;
  ((period.extension ??= []) as object[]).push({ url: `${V2}end`, valueDateTime: end });
}

/** A range is from a low value to a high one of the same unit (rng-2): a unit alone is no end of it, and a high value below the low one is kept beside it. */
function ranged(range: Element): void {
  const low = range.low as Element;
  const high = range.high as Element;
  if (typeof low.value !== 'number') {
    if (low.unit === high.unit) delete range.low;
  } else if (typeof high.value !== 'number') {
    if (low.unit === high.unit) delete range.high;
  } else if (low.value > high.value) {
    delete range.high;
    ((range.extension ??= []) as object[]).push({ url: `${V2}high`, valueQuantity: high });
  }
}
