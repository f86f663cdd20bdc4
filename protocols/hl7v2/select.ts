import { declaresDelimiters, type Layout } from './layout.ts';
import type { Path, Predicate, Selector } from './path.ts';
import { Span } from './span.ts';
import { readValue } from './value.ts';

/**
 * Narrows `span` to what a plain path names: in the first such segment, in its first repetition.
 * @returns false when the message has no such place
 */
export function findPlain(layout: Layout, path: Path, span: Span): boolean {
  for (let index = 0; index < layout.names.length || layout.reach(index); index++) {
    if (layout.names[index] === path.name) return findPlainIn(layout, index, path, span);
  }
  return false;
}

/** The same in the segment number `index`, whatever its name. */
export function findPlainIn(layout: Layout, index: number, path: Path, span: Span): boolean {
  if (!layout.field(index, path.field, span)) return false;
  if (isVerbatim(layout, index, path.field)) return path.component <= 1 && path.subcomponent <= 1;
  return span.part(layout.bytes, layout.delimiters.repetition, 1) && narrow(layout, path, span);
}

/** Whether this is MSH-1 or MSH-2 (or FHS, BHS): nothing in them is a delimiter or an escape. */
export function isVerbatim(layout: Layout, index: number, field: number): boolean {
  return field < 3 && declaresDelimiters(layout.names[index]!);
}

/** Narrows `span` from a repetition to the component or subcomponent that the path names. */
export function narrow(layout: Layout, place: Pick<Path, 'component' | 'subcomponent'>, span: Span): boolean {
  const { bytes, delimiters } = layout;
  if (place.component === 0) return true;
  if (!span.part(bytes, delimiters.component, place.component)) return false;
  return place.subcomponent === 0 || span.part(bytes, delimiters.subcomponent, place.subcomponent);
}

/**
 * The segments, or the repetitions, that a path matches, in the order of the message. After each `next()` that answers
 * true, `span` is the segment (a path without a field) or the repetition. A field that its segment does not reach counts
 * as one empty repetition, unless the path selects among repetitions.
 */
export class Matches {
  readonly span = new Span();
  /** Which segment the match lies in, from 0. */
  segment = -1;
  /** Which repetition it is, from 1; 0 when the path names segments only. */
  repetition = 0;
  readonly #layout: Layout;
  readonly #path: Path;
  readonly #probe = new Span();
  #segmentsPassed = 0;
  #repetitionsPassed = 0;
  #only = false;
  #fieldEnd = -1;
  #nextRepetition = -1;

  /** With `only`, the repetitions in that segment, whatever its name. */
  constructor(layout: Layout, path: Path, only?: number) {
    this.#layout = layout;
    this.#path = path;
    if (only === undefined) return;
    this.#only = true;
    this.segment = only;
    this.#enterField();
  }

  next(): boolean {
    if (this.#path.field === 0) return this.#nextSegment();
    while (true) {
      if (this.#nextRepetition >= 0 && this.#nextInField()) return true;
      if (this.#only || !this.#nextSegment()) return false;
      this.#enterField();
    }
  }

  #nextSegment(): boolean {
    const layout = this.#layout;
    const { name, segments } = this.#path;
    if (segments.index > 0 && this.#segmentsPassed === segments.index) return false;
    while (layout.reach(this.segment + 1)) {
      this.segment++;
      if (layout.names[this.segment] !== name || !this.#segmentPasses()) continue;
      this.#segmentsPassed++;
      if (segments.index > 0 && this.#segmentsPassed < segments.index) continue;
      this.span.set(layout.starts[this.segment]!, layout.ends[this.segment]!);
      return true;
    }
    return false;
  }

  #enterField(): void {
    const layout = this.#layout;
    const { field, repetitions } = this.#path;
    this.repetition = 0;
    this.#repetitionsPassed = 0;
    const found = layout.field(this.segment, field, this.span);
    if (!found) this.span.set(layout.ends[this.segment]!, layout.ends[this.segment]!);
    this.#nextRepetition = found || isEvery(repetitions) ? this.span.start : -1;
    this.#fieldEnd = this.span.end;
  }

  #nextInField(): boolean {
    const layout = this.#layout;
    const { field, repetitions } = this.#path;
    while (this.#nextRepetition >= 0) {
      if (repetitions.index > 0 && this.#repetitionsPassed === repetitions.index) return false;
      const { span } = this;
      span.set(this.#nextRepetition, this.#fieldEnd);
      if (!isVerbatim(layout, this.segment, field)) span.part(layout.bytes, layout.delimiters.repetition, 1);
      this.#nextRepetition = span.end < this.#fieldEnd ? span.end + 1 : -1;
      this.repetition++;
      if (!this.#repetitionPasses(repetitions, span)) continue;
      this.#repetitionsPassed++;
      if (repetitions.index === 0 || this.#repetitionsPassed === repetitions.index) return true;
    }
    return false;
  }

  #segmentPasses(): boolean {
    for (const predicate of this.#path.segments.where) if (!this.#fieldHolds(predicate)) return false;
    return true;
  }

  /** Whether any repetition of the predicate's field has its value. */
  #fieldHolds(predicate: Predicate): boolean {
    const layout = this.#layout;
    const probe = this.#probe;
    const { repetition } = layout.delimiters;
    if (!layout.field(this.segment, predicate.field, probe)) return false;
    const { end } = probe;
    for (let start = probe.start; start <= end; ) {
      probe.set(start, end);
      probe.part(layout.bytes, repetition, 1);
      start = probe.end + 1;
      if (this.#holds(predicate)) return true;
    }
    return false;
  }

  #repetitionPasses(repetitions: Selector, span: Span): boolean {
    for (const predicate of repetitions.where) {
      this.#probe.set(span.start, span.end);
      if (!this.#holds(predicate)) return false;
    }
    return true;
  }

  #holds(predicate: Predicate): boolean {
    const layout = this.#layout;
    const probe = this.#probe;
    return narrow(layout, predicate, probe) && readValue(layout, probe.start, probe.end) === predicate.value;
  }
}

/** Whether a selector lets everything through. */
export function isEvery(selector: Selector): boolean {
  return selector.index === 0 && selector.where.length === 0;
}
