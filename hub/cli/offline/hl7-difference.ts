import type { Hl7Message } from '../../../protocols/hl7v2/message.ts';
import type { Part, Segment } from '../../../protocols/hl7v2/segment.ts';
import { aligned } from './alignment.ts';
import type { Difference } from './found-difference.ts';

interface Line {
  readonly segment: Segment;
  readonly name: string;
  readonly text: string;
  /** `OBX[2]`, where there are several. */
  readonly shown: string;
}

/** Segment by segment, field by field, down to the component in which they differ. */
export function hl7Differences(expected: Hl7Message, actual: Hl7Message): readonly Difference[] {
  const [a, b] = [linesOf(expected), linesOf(actual)];
  const byText = new Map<string, Line>();
  // The same text is the same line, so that equal segments find each other.
  const unified = (lines: readonly Line[]) =>
    lines.map((line) => {
      const first = byText.get(line.text) ?? line;
      byText.set(line.text, first);
      return first;
    });
  return aligned(unified(a), unified(b), ({ name }) => name).flatMap(([left, right]) => {
    if (left && right) return left.item === right.item ? [] : inSegment(a[left.index]!, b[right.index]!);
    const [{ shown, text }] = [left ? a[left.index]! : b[right!.index]!];
    return [{ at: shown, expected: left && text, actual: right && text }];
  });
}

function linesOf(message: Hl7Message): readonly Line[] {
  const segments = message.segments().map((segment) => ({ segment, name: segment.name, text: segment.text }));
  const counts = Map.groupBy(segments, ({ name }) => name);
  const seen = new Map<string, number>();
  return segments.map((line) => {
    const n = (seen.get(line.name) ?? 0) + 1;
    seen.set(line.name, n);
    return { ...line, shown: counts.get(line.name)!.length > 1 ? `${line.name}[${n}]` : line.name };
  });
}

function inSegment(expected: Line, actual: Line): readonly Difference[] {
  const found: Difference[] = [];
  const fields = Math.max(expected.segment.fieldCount, actual.segment.fieldCount);
  for (let n = 1; n <= fields; n++) {
    const at = `${expected.shown}-${n}`;
    const [left, right] = [expected.segment.field(n), actual.segment.field(n)];
    if (left.text !== right.text) found.push(...inField(at, left, right, /^MSH-[12]$/.test(at)));
  }
  return found;
}

function inField(at: string, expected: Part, actual: Part, whole: boolean): readonly Difference[] {
  if (whole) return [difference(at, expected, actual)];
  const [left, right] = [expected.repetitions, actual.repetitions];
  const several = Math.max(left.length, right.length) > 1;
  return pairs(left, right).flatMap(([a, b], index) => inRepetition(several ? `${at}[${index + 1}]` : at, a, b));
}

function inRepetition(at: string, expected: Part | undefined, actual: Part | undefined): readonly Difference[] {
  if (same(expected, actual)) return [];
  if (!expected || !actual) return [difference(at, expected, actual)];
  const [left, right] = [expected.components, actual.components];
  if (Math.max(left.length, right.length) === 1) return inComponent(at, left[0], right[0]);
  return pairs(left, right).flatMap(([a, b], index) => inComponent(`${at}.${index + 1}`, a, b));
}

function inComponent(at: string, expected: Part | undefined, actual: Part | undefined): readonly Difference[] {
  if (same(expected, actual)) return [];
  const [left, right] = [expected?.subcomponents ?? [], actual?.subcomponents ?? []];
  if (Math.max(left.length, right.length) < 2) return [difference(at, expected, actual)];
  return pairs(left, right).flatMap(([a, b], index) => (same(a, b) ? [] : [difference(`${at}.${index + 1}`, a, b)]));
}

function pairs<T>(a: readonly T[], b: readonly T[]): readonly (readonly [T | undefined, T | undefined])[] {
  return Array.from({ length: Math.max(a.length, b.length) }, (_, index) => [a[index], b[index]] as const);
}

function same(a: Part | undefined, b: Part | undefined): boolean {
  return (a?.text ?? '') === (b?.text ?? '');
}

function difference(at: string, expected: Part | undefined, actual: Part | undefined): Difference {
  const text = (part: Part | undefined) => part?.text || undefined;
  return { at, expected: text(expected), actual: text(actual) };
}
