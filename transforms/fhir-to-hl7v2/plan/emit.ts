import type { Context } from '../context.ts';
import type { Element } from '../element.ts';
import { keptWithin } from '../kept.ts';
import { mapBack, type Only } from '../map-back.ts';
import { SegmentDraft } from '../repetition.ts';
import { notesAfter } from './notes.ts';

/** A map, the resource that it is read from, and the list elements that it is about. */
export type Source = readonly [map: string, resource: Element | undefined, only?: Only];

/** A segment of what maps say of resources, and of what is kept of it in them; undefined where that is nothing. */
export function emit(name: string, sources: readonly Source[], context: Context): SegmentDraft | undefined {
  const draft = fill(new SegmentDraft(name), sources, context);
  return draft.isEmpty ? undefined : draft;
}

export function fill(draft: SegmentDraft, sources: readonly Source[], context: Context): SegmentDraft {
  for (const [map, resource, only] of sources) if (resource) mapBack(map).read(resource, draft, context, only);
  for (const [, resource, only] of sources) {
    if (!resource) continue;
    context.written.add(resource);
    const before = context.resource;
    context.resource = resource;
    for (const element of only ? Object.values(only).flat() : [resource]) keptWithin(element, draft, context);
    context.resource = before;
  }
  return draft;
}

/** Segments that no map is about, of what is kept of them in a resource. */
export function keptSegments(
  resource: Element | undefined,
  names: readonly string[],
  context: Context,
): SegmentDraft[] {
  if (!resource) return [];
  return names.flatMap((name) => {
    const draft = new SegmentDraft(name);
    keptWithin(resource, draft, context);
    return draft.isEmpty ? [] : draft;
  });
}

/** A segment, and the notes on its resource. */
export function noted(
  segment: SegmentDraft | undefined,
  resource: Element | undefined,
  context: Context,
): SegmentDraft[] {
  return [...(segment ? [segment] : []), ...(resource ? notesAfter(resource, context) : [])];
}
