import type { Conversion, ConversionIssue } from './conversion.ts';
import type { Marks, View } from './leaves.ts';

/** Makes an element of a repetition, and marks what it took; undefined where there is nothing to make it of. */
export type Converter = (view: View, conversion: Conversion) => unknown;

/** What a text was made into, and which rows took it. */
interface Made {
  readonly copy: () => unknown;
  readonly marks: Marks;
  /** What is told of it, wherever it stands. */
  readonly issues: readonly ConversionIssue[];
}

/** Longer ones are texts rather than codes. */
const LONGEST = 100;
const MOST = 10_000;
const HAT = 0x5e;

const all: Map<string, Made>[] = [];
let count = 0;

/**
 * A converter of coded values that makes those of the same text once: a feed says the same few thousand codes over and over.
 * It has to go by the value alone. Codes with their names and systems are what is kept, of no message and nobody: what begins
 * with no code, or is as long as only a text is, may say something of a patient and is made each time.
 */
export function remembered(convert: Converter): Converter {
  const known = new Map<string, Made>();
  all.push(known);
  return (view, conversion) => {
    if (!view.isPlain) return convert(view, conversion);
    const { raw } = view;
    const made = known.get(raw);
    if (made === undefined) return learn(known, convert, view, conversion);
    view.markAs(made.marks);
    for (const { code, message } of made.issues) conversion.issue(code, message);
    return made.copy();
  };
}

function learn(known: Map<string, Made>, convert: Converter, view: View, conversion: Conversion): unknown {
  const { raw } = view;
  if (raw.length > LONGEST || raw.charCodeAt(0) === HAT) return convert(view, conversion);
  const { issues } = conversion;
  const told = issues.length;
  // Its own text is what it is remembered by, and nothing that stands around it.
  const apart = view.apart();
  const value = convert(apart, conversion);
  const marks = apart.marks();
  view.markAs(marks);
  if (count++ >= MOST) {
    for (const each of all) each.clear();
    count = 1;
  }
  const copy = copiesOf(value);
  known.set(apart.raw, { copy, marks, issues: issues.slice(told) });
  return copy();
}

/** Elements are written in when they are in their resource: everybody gets one of his own. */
type Copies<T> = () => T;

/** What copies a value: of the usual forms in one go, which is several times as fast as element by element. */
function copiesOf(value: unknown): Copies<unknown> {
  if (typeof value !== 'object' || value === null) return () => value;
  if (Array.isArray(value)) return copiesOfList(value);
  const { coding, text, unit, system, code, display } = value as Readonly<Record<string, unknown>>;
  switch (Object.keys(value).join(' ')) {
    case 'coding': {
      const codings = copiesOfList(coding as unknown[]);
      return () => ({ coding: codings() });
    }
    case 'coding text': {
      const codings = copiesOfList(coding as unknown[]);
      return () => ({ coding: codings(), text });
    }
    case 'text':
      return () => ({ text });
    case 'system code display':
      return () => ({ system, code, display });
    case 'system code':
      return () => ({ system, code });
    case 'code display':
      return () => ({ code, display });
    case 'code':
      return () => ({ code });
    case 'unit':
      return () => ({ unit });
    case 'unit system code':
      return () => ({ unit, system, code });
    default:
      return () => structuredCopy(value);
  }
}

function copiesOfList(list: readonly unknown[]): Copies<unknown[]> {
  const [first, second, ...rest] = list.map(copiesOf);
  if (first === undefined) return () => [];
  if (second === undefined) return () => [first()];
  if (rest.length === 0) return () => [first(), second()];
  return () => [first(), second(), ...rest.map((copy) => copy())];
}

function structuredCopy(value: object): object {
  const copy = { ...value } as Record<string, unknown>;
  for (const key in copy) copy[key] = copiesOf(copy[key])();
  return copy;
}
