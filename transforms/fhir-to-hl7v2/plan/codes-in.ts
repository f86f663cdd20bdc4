import { isElement } from '../element.ts';

/** The codes of a concept. */
export function codesIn(concept: unknown): string[] {
  if (!isElement(concept) || !Array.isArray(concept.coding)) return [];
  return concept.coding.flatMap((each) => (isElement(each) && typeof each.code === 'string' ? each.code : []));
}
