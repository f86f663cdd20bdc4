import type { Context } from '../context.ts';
import type { Element } from '../element.ts';
import { keptNumbers, keptOn, keptWithin } from '../kept.ts';
import { mapBack, type Only } from '../map-back.ts';
import { SegmentDraft } from '../repetition.ts';
import { notesAfter } from './notes.ts';

/**
 * A map, the resource that it is read from, the list elements that it is about, and the number of the segment among those of
 * its name that the resource keeps values of: of one that is read whole the first, else none.
 */
export type Source = readonly [
  map: string,
  resource: Element | undefined,
  only?: Only | undefined,
  which?: number | undefined,
];

/** A segment of what maps say of resources, and of what is kept of it in them; undefined where that is nothing. */
export function emit(name: string, sources: readonly Source[], context: Context): SegmentDraft | undefined {
  const draft = fill(new SegmentDraft(name), sources, context);
  return draft.isEmpty ? undefined : draft;
}

export function fill(draft: SegmentDraft, sources: readonly Source[], context: Context): SegmentDraft {
  for (const [map, resource, only] of sources) if (resource) mapBack(map).read(resource, draft, context, only);
  for (const [, resource, only, which] of sources) {
    if (!resource) continue;
    context.written.add(resource);
    const before = context.resource;
    context.resource = resource;
    if (!only) keptWithin(resource, draft, context, which);
    else {
      for (const element of Object.values(only).flat()) keptWithin(element, draft, context);
      if (which !== undefined) keptOn(resource, draft, context, which);
    }
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
  return names.flatMap((name) =>
    keptNumbers(resource, name, context).flatMap((which) => {
      const draft = new SegmentDraft(name);
      keptWithin(resource, draft, context, which);
      return draft.isEmpty ? [] : draft;
    }),
  );
}

/** A segment, and the notes on its resource. */
export function noted(
  segment: SegmentDraft | undefined,
  resource: Element | undefined,
  context: Context,
): SegmentDraft[] {
  return [...(segment ? [segment] : []), ...(resource ? notesAfter(resource, context) : [])];
}
