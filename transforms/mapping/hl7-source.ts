import { declaresDelimiters, type Layout } from '../../protocols/hl7v2/layout.ts';
import type { Hl7Message } from '../../protocols/hl7v2/message.ts';
import type { Path } from '../../protocols/hl7v2/path.ts';
import { everyValue, everyValueIn, firstValue, firstValueIn, isPresent } from '../../protocols/hl7v2/read.ts';
import { findPlainIn, isEvery, isVerbatim, Matches, narrow } from '../../protocols/hl7v2/select.ts';
import type { Span } from '../../protocols/hl7v2/span.ts';
import { readValue } from '../../protocols/hl7v2/value.ts';
import { invalid } from './function.ts';
import { type Hl7Definitions, isGroupName, type SegmentGroup } from './hl7-definitions.ts';
import { Hl7View } from './hl7-view.ts';
import { eachOf } from './loop.ts';
import type { Loop, Run, Scopes, SourceModel, SourcePath } from './run.ts';
import { RawText } from './value.ts';

const layoutOf = (run: Run): Layout => (run.source as Hl7View).layout;

/**
 * Reads HL7 v2. In a loop, a path into a segment of its item means that item; any other path, and one with a leading `/`, means what
 * it would mean outside.
 */
export function hl7Source(definitions: Hl7Definitions): SourceModel {
  return {
    kind: 'hl7v2',
    open: (payload) => new Hl7View(payload as Hl7Message),
    path: (text, scopes) => {
      const whole = text.startsWith('/');
      const path = definitions.path(whole ? text.slice(1) : text);
      const scope = whole ? undefined : scopeOf(path, scopes);
      if (!scope) return inMessage(path);
      return scope.repetition ? inRepetition(path, scope.slot) : inSegments(path, scope.slot);
    },
    loop: (text, also, _name, slot, scopes) => {
      for (const name of also) checkSegment(definitions, name);
      if (isGroupName(text)) return groupLoop(text, also, definitions, slot, scopes);
      const path = definitions.path(text);
      if (path.field === 0) return segmentLoop(path, also, slot, scopes);
      if (path.component === 0 && also.length === 0) return repetitionLoop(path, slot, scopes);
      throw invalid('a loop goes over segments, groups, or the repetitions of a field');
    },
  };
}

function checkSegment(definitions: Hl7Definitions, name: string): void {
  const { field, segments } = definitions.path(name);
  if (field > 0 || !isEvery(segments)) throw invalid(`with: names segments, and ${name} is none`);
}

/** The loop that a path speaks of, and whether it means its repetition or the segment around that. */
export function scopeOf(
  path: Path,
  scopes: Scopes,
): { readonly slot: number; readonly repetition: boolean } | undefined {
  for (const { slot, names, field } of scopes) {
    if (!names.has(path.segment)) continue;
    if (field === undefined) return { slot, repetition: false };
    if (isEvery(path.segments)) return { slot, repetition: path.field === field && isEvery(path.repetitions) };
  }
  return undefined;
}

function depthOf({ field, component, subcomponent }: Path): number {
  return subcomponent > 0 ? 3 : component > 0 ? 2 : field > 0 ? 1 : 0;
}

function inMessage(path: Path): SourcePath {
  const depth = depthOf(path);
  const exists = (run: Run) => isPresent(layoutOf(run), path);
  if (depth === 0) return { first: noValue, all: noValues, exists, depth };
  const find = (run: Run): Hl7View | undefined => {
    const view = run.source as Hl7View;
    const index = view.firstNamed(path.name);
    return index >= 0 && view.find(index, path) ? view : undefined;
  };
  const verbatim = path.field < 3 && declaresDelimiters(path.name);
  return {
    first:
      path.plain && !verbatim
        ? (run) => {
            const view = find(run);
            return view?.value(view.layout.span.start, view.layout.span.end);
          }
        : (run) => firstValue(layoutOf(run), path),
    all:
      isEvery(path.segments) && isEvery(path.repetitions)
        ? (run) => everyPlain(run.source as Hl7View, path)
        : (run) => everyValue(layoutOf(run), path),
    exists,
    raw: (run) => {
      if (path.plain) {
        const found = find(run);
        return found && rawIn(found, found.layout.span);
      }
      const layout = layoutOf(run);
      const matches = new Matches(layout, path);
      return matches.next() && narrow(layout, path, matches.span)
        ? rawIn(run.source as Hl7View, matches.span)
        : undefined;
    },
    depth,
  };
}

/** In the segments of a loop's current item. */
function inSegments(path: Path, slot: number): SourcePath {
  const depth = depthOf(path);
  const first = isEvery(path.segments)
    ? (run: Run) => firstNamed(layoutOf(run), path.name, run.firsts[slot]!, run.lasts[slot]!)
    : (run: Run) => matching(layoutOf(run), path, run.firsts[slot]!, run.lasts[slot]!)[0] ?? -1;
  const every = (run: Run) => matching(layoutOf(run), path, run.firsts[slot]!, run.lasts[slot]!);
  if (depth === 0) return { first: noValue, all: noValues, exists: (run) => first(run) >= 0, depth };
  return {
    first: (run) => {
      const index = first(run);
      return index < 0 ? undefined : firstValueIn(layoutOf(run), path, index);
    },
    all: (run) => every(run).flatMap((index) => everyValueIn(layoutOf(run), path, index)),
    exists: (run) => every(run).some((index) => holdsSomething(layoutOf(run), path, index)),
    raw: (run) => {
      const layout = layoutOf(run);
      const index = first(run);
      if (index < 0) return undefined;
      if (isEvery(path.repetitions))
        return findPlainIn(layout, index, path, layout.span) ? rawIn(run.source as Hl7View, layout.span) : undefined;
      const matches = new Matches(layout, path, index);
      return matches.next() && narrow(layout, path, matches.span)
        ? rawIn(run.source as Hl7View, matches.span)
        : undefined;
    },
    depth,
  };
}

/** In the current repetition of a loop over a field. */
function inRepetition(path: Path, slot: number): SourcePath {
  const find = (run: Run): Layout | undefined => {
    const layout = layoutOf(run);
    const { span } = layout;
    if (!layout.field(run.firsts[slot]!, path.field, span)) return undefined;
    if (!span.part(layout.bytes, layout.delimiters.repetition, run.repetitions[slot]!)) return undefined;
    return narrow(layout, path, span) ? layout : undefined;
  };
  const first = (run: Run) => {
    const layout = find(run);
    return layout && readValue(layout, layout.span.start, layout.span.end);
  };
  return {
    first,
    all: (run) => {
      const value = first(run);
      return value == null ? [] : [value];
    },
    exists: (run) => first(run) !== undefined,
    raw: (run) => {
      const layout = find(run);
      return layout && rawIn(run.source as Hl7View, layout.span);
    },
    depth: depthOf(path),
  };
}

const noValue = () => undefined;
const noValues = () => [];

function rawIn({ text, layout }: Hl7View, { start, end }: Span): RawText | undefined {
  return start < end ? new RawText(text.slice(start, end), layout) : undefined;
}

/** `everyValue` for a path that selects nothing, without the machinery of selecting. */
function everyPlain(view: Hl7View, path: Path): string[] {
  const values: string[] = [];
  const { layout } = view;
  const { span, bytes, delimiters } = layout;
  for (let index = 0; layout.reach(index); index++) {
    if (layout.names[index] !== path.name) continue;
    if (isVerbatim(layout, index, path.field)) return everyValue(layout, path);
    if (!layout.field(index, path.field, span)) continue;
    const { end } = span;
    for (let start = span.start; start <= end; ) {
      span.set(start, end);
      span.part(bytes, delimiters.repetition, 1);
      start = span.end + 1;
      const value = narrow(layout, path, span) ? view.value(span.start, span.end) : undefined;
      if (value != null) values.push(value);
    }
  }
  return values;
}

function firstNamed(layout: Layout, name: number, first: number, last: number): number {
  for (let index = first; index < last; index++) if (layout.names[index] === name) return index;
  return -1;
}

/** The segments in [first, last) that a path matches; an index of the path counts from `first`. */
function matching(layout: Layout, path: Path, first: number, last: number): number[] {
  const { where, index } = path.segments;
  const found: number[] = [];
  if (where.length === 0) {
    for (let at = firstNamed(layout, path.name, first, last); at >= 0; at = firstNamed(layout, path.name, at + 1, last))
      found.push(at);
  } else {
    const matches = new Matches(layout, { ...path, field: 0, segments: { where, index: 0 } });
    matches.segment = first - 1;
    while (matches.next() && matches.segment < last) found.push(matches.segment);
  }
  return index === 0 ? found : found.slice(index - 1, index);
}

function holdsSomething(layout: Layout, path: Path, index: number): boolean {
  const matches = new Matches(layout, path, index);
  while (matches.next()) if (narrow(layout, path, matches.span) && matches.span.start < matches.span.end) return true;
  return false;
}

/** From one such segment to the next, as far as the item of the loop around goes; one segment where nothing else belongs to it. */
function segmentLoop(path: Path, also: readonly string[], slot: number, scopes: Scopes): Loop {
  const within = scopeOf(path, scopes)?.slot;
  return {
    scope: { slot, names: new Set([path.segment, ...also]) },
    each: (run, body) => {
      const view = run.source as Hl7View;
      const last = within === undefined ? view.length : run.lasts[within]!;
      const found = matching(view.layout, path, within === undefined ? 0 : run.firsts[within]!, last);
      eachOf(run, slot, found.length, body, (n) => {
        run.firsts[slot] = found[n]!;
        run.lasts[slot] = also.length === 0 ? found[n]! + 1 : nextNamed(view.layout, path.name, found[n]! + 1, last);
      });
    },
  };
}

function nextNamed(layout: Layout, name: number, first: number, last: number): number {
  const next = firstNamed(layout, name, first, last);
  return next < 0 ? last : next;
}

function groupLoop(
  name: string,
  also: readonly string[],
  definitions: Hl7Definitions,
  slot: number,
  scopes: Scopes,
): Loop {
  const names = new Set([...definitions.segmentsOf(name), ...also]);
  const within = scopes.find((scope) => scope.field === undefined)?.slot;
  return {
    scope: { slot, names },
    each: (run, body) => {
      const view = run.source as Hl7View;
      const found: SegmentGroup[] = [];
      const first = within === undefined ? 0 : run.firsts[within]!;
      gather(view.groups(definitions), name, first, within === undefined ? view.length : run.lasts[within]!, found);
      eachOf(run, slot, found.length, body, (n) => {
        run.firsts[slot] = found[n]!.first;
        run.lasts[slot] = found[n]!.last;
      });
    },
  };
}

function gather(
  groups: readonly SegmentGroup[],
  name: string,
  first: number,
  last: number,
  found: SegmentGroup[],
): void {
  for (const group of groups) {
    if (group.last <= first || group.first >= last) continue;
    if (group.name === name && group.first >= first && group.last <= last) found.push(group);
    else gather(group.groups, name, first, last, found);
  }
}

/** Over all segments of the name, or those that the path selects. */
function repetitionLoop(path: Path, slot: number, scopes: Scopes): Loop {
  const within = scopeOf(path, scopes)?.slot;
  const segmentPath: Path = { ...path, field: 0 };
  return {
    scope: { slot, names: new Set([path.segment]), field: path.field },
    each: (run, body) => {
      const { layout, length } = run.source as Hl7View;
      const first = within === undefined ? 0 : run.firsts[within]!;
      const last = within === undefined ? length : run.lasts[within]!;
      const found: { readonly segment: number; readonly repetition: number }[] = [];
      for (const segment of matching(layout, segmentPath, first, last)) {
        const matches = new Matches(layout, path, segment);
        while (matches.next())
          if (matches.span.start < matches.span.end) found.push({ segment, repetition: matches.repetition });
      }
      eachOf(run, slot, found.length, body, (n) => {
        const { segment, repetition } = found[n]!;
        run.firsts[slot] = segment;
        run.lasts[slot] = segment + 1;
        run.repetitions[slot] = repetition;
      });
    },
  };
}
