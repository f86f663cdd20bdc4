import { ProtocolFault } from '../fault.ts';
import { declaresDelimiters, type Layout } from './layout.ts';
import { compilePath, type Path } from './path.ts';
import { findPlain, findPlainIn, Matches, narrow } from './select.ts';
import type { Span } from './span.ts';
import { readText, readValue } from './value.ts';

const AUTHORITY = 4;

/** The value at the first match of `path`: undefined when absent or empty, null for `""`. */
export function firstValue(layout: Layout, path: Path): string | null | undefined {
  if (path.field === 0) throw namesNoField();
  const { span } = layout;
  if (path.plain) return findPlain(layout, path, span) ? valueAt(layout, path, path.name, span) : undefined;
  return firstMatched(layout, path, path.name, new Matches(layout, path));
}

/** The same in segment number `index` only, whatever its name. */
export function firstValueIn(layout: Layout, path: Path, index: number): string | null | undefined {
  const { span } = layout;
  const name = layout.names[index]!;
  if (path.plain) return findPlainIn(layout, index, path, span) ? valueAt(layout, path, name, span) : undefined;
  return firstMatched(layout, path, name, new Matches(layout, path, index));
}

/** The values at all the matches, without empty ones and `""`. */
export function everyValue(layout: Layout, path: Path): string[] {
  if (path.field === 0) throw namesNoField();
  return matchedValues(layout, path, path.name, new Matches(layout, path));
}

/** The same in segment number `index` only, whatever its name. */
export function everyValueIn(layout: Layout, path: Path, index: number): string[] {
  return matchedValues(layout, path, layout.names[index]!, new Matches(layout, path, index));
}

/** Whether a match holds something; without a field, whether there is such a segment. */
export function isPresent(layout: Layout, path: Path): boolean {
  const matches = new Matches(layout, path);
  while (matches.next()) {
    if (path.field === 0) return true;
    if (narrow(layout, path, matches.span) && matches.span.start < matches.span.end) return true;
  }
  return false;
}

/** The identifiers at the matches of the paths, each once; see `Hl7Message.keys`. */
export function identifiers(layout: Layout, paths: readonly (string | Path)[]): string[] {
  const found: string[] = [];
  for (const given of paths) {
    const path = compiled(given);
    if (path.field === 0) throw namesNoField();
    const matches = new Matches(layout, path);
    while (matches.next()) {
      const key = path.component > 0 ? matched(layout, path, path.name, matches) : qualified(layout, matches.span);
      if (key != null && !found.includes(key)) found.push(key);
    }
  }
  return found;
}

/** The path itself, or the one that a text stands for. */
export function compiled(path: string | Path): Path {
  return typeof path === 'string' ? compilePath(path) : path;
}

/** Component 1, and after `^` the assigning authority when there is one. */
function qualified(layout: Layout, repetition: Span): string | null | undefined {
  const { start, end } = repetition;
  const { component } = layout.delimiters;
  repetition.part(layout.bytes, component, 1);
  const identifier = readValue(layout, repetition.start, repetition.end);
  if (identifier == null) return identifier;
  repetition.set(start, end);
  if (!repetition.part(layout.bytes, component, AUTHORITY)) return identifier;
  const authority = readValue(layout, repetition.start, repetition.end);
  return authority == null ? identifier : `${identifier}^${authority}`;
}

function firstMatched(layout: Layout, path: Path, name: number, matches: Matches): string | null | undefined {
  return matches.next() ? matched(layout, path, name, matches) : undefined;
}

function matchedValues(layout: Layout, path: Path, name: number, matches: Matches): string[] {
  const values: string[] = [];
  while (matches.next()) {
    const value = matched(layout, path, name, matches);
    if (value != null) values.push(value);
  }
  return values;
}

function matched(layout: Layout, path: Path, name: number, { span }: Matches): string | null | undefined {
  return narrow(layout, path, span) ? valueAt(layout, path, name, span) : undefined;
}

function valueAt(layout: Layout, path: Path, name: number, { start, end }: Span): string | null | undefined {
  const verbatim = path.field < 3 && declaresDelimiters(name);
  return verbatim ? readText(layout, start, end) : readValue(layout, start, end);
}

function namesNoField(): ProtocolFault {
  return new ProtocolFault('hl7v2.bad-path', 'reading a value: the path names no field');
}
