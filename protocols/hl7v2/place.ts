import { ProtocolFault } from '../fault.ts';
import { declaresDelimiters, type Layout } from './layout.ts';
import type { Path } from './path.ts';
import { countParts, Span } from './span.ts';

/** Where a value is to be written, and the delimiters that must stand before it because the place does not exist yet. */
export interface Place {
  readonly start: number;
  readonly end: number;
  readonly missing: string;
}

/**
 * Finds, or makes up, the place of `path` in segment number `index` and repetition number `repetition`; with repetition
 * 0 the whole field.
 * @throws ProtocolFault hl7v2.bad-value when the message declares no delimiter for a level that the path needs
 */
export function placeIn(layout: Layout, index: number, path: Path, repetition: number): Place {
  const { bytes, delimiters } = layout;
  const span = new Span();
  let missing = '';
  const enter = (separator: number, n: number) => {
    if (missing === '' && span.part(bytes, separator, n)) return;
    const there = missing === '' ? countParts(bytes, separator, span.start, span.end) : 1;
    missing += delimiterRun(separator, n - there);
    span.set(span.end, span.end);
  };
  if (!layout.field(index, path.field, span)) {
    missing = delimiterRun(delimiters.field, path.field - fieldCount(layout, index));
    span.set(layout.ends[index]!, layout.ends[index]!);
  }
  if (repetition > 0) enter(delimiters.repetition, repetition);
  if (path.component > 0) enter(delimiters.component, path.component);
  if (path.subcomponent > 0) enter(delimiters.subcomponent, path.subcomponent);
  return { start: span.start, end: span.end, missing };
}

/** The start of a new segment up to the place of `path` in it. */
export function newSegmentUpTo(layout: Layout, path: Path, repetition: number): string {
  const { field, repetition: tilde, component, subcomponent } = layout.delimiters;
  return (
    path.segment +
    delimiterRun(field, path.field) +
    delimiterRun(tilde, repetition - 1) +
    delimiterRun(component, path.component - 1) +
    delimiterRun(subcomponent, path.subcomponent - 1)
  );
}

function fieldCount(layout: Layout, index: number): number {
  const { bytes, delimiters, starts, ends, names } = layout;
  const separators = countParts(bytes, delimiters.field, starts[index]!, ends[index]!) - 1;
  return declaresDelimiters(names[index]!) ? separators + 1 : separators;
}

function delimiterRun(separator: number, count: number): string {
  if (count <= 0) return '';
  if (separator >= 0) return String.fromCharCode(separator).repeat(count);
  throw new ProtocolFault('hl7v2.bad-value', 'writing a value: the message declares no delimiter for its level');
}
