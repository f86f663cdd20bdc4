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
export const LONGEST = 100;
const MOST = 10_000;
const HAT = 0x5e;

/** A table of what is remembered: they all have room for so many together, and are forgotten together. */
export class Memory<T> {
  static readonly #all: Memory<unknown>[] = [];
  static #count = 0;
  held: T;
  readonly #fresh: () => T;

  constructor(fresh: () => T) {
    this.held = fresh();
    this.#fresh = fresh;
    Memory.#all.push(this);
  }

  /** Counts one more; false when there was no room for it, and all has been forgotten. */
  hasRoom(): boolean {
    if (Memory.#count++ < MOST) return true;
    for (const each of Memory.#all) each.held = each.#fresh();
    Memory.#count = 0;
    return false;
  }
}

/**
 * A converter of coded values that makes those of the same text once: a feed says the same few thousand codes over and over.
 * It has to go by the value alone. Codes with their names and systems are what is kept, of no message and nobody: what begins
 * with no code, is made of words without a system, or is as long as only a text is, may say something of a patient and is made each time.
 */
export function remembered(convert: Converter): Converter {
  const memory = new Memory(() => new Map<string, Made>());
  return (view, conversion) => {
    if (!view.isPlain) return convert(view, conversion);
    const { raw } = view;
    const made = memory.held.get(raw);
    if (made === undefined) return learn(memory, convert, view, conversion);
    view.markAs(made.marks);
    for (const { code, message } of made.issues) conversion.issue(code, message);
    return made.copy();
  };
}

function learn(memory: Memory<Map<string, Made>>, convert: Converter, view: View, conversion: Conversion): unknown {
  const { raw } = view;
  if (raw.length > LONGEST || raw.charCodeAt(0) === HAT || isProse(raw)) return convert(view, conversion);
  const { issues } = conversion;
  const told = issues.length;
  // Its own text is what it is remembered by, and nothing that stands around it.
  const apart = view.apart();
  const value = convert(apart, conversion);
  const marks = apart.marks();
  view.markAs(marks);
  const copy = copiesOf(value);
  if (memory.hasRoom()) memory.held.set(apart.raw, { copy, marks, issues: issues.slice(told) });
  return copy();
}

/** Words where a code should be, of no system. */
function isProse(raw: string): boolean {
  return raw.includes(' ') && raw.indexOf('^', raw.indexOf('^') + 1) <= 0;
}

/** Elements are written in when they are in their resource: everybody gets one of his own. */
type Copies<T> = () => T;

/** What copies a value: of the usual forms in one go, which is several times as fast as element by element. */
export function copiesOf(value: unknown): Copies<unknown> {
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
      return copiesOfElements(value);
  }
}

function copiesOfList(list: readonly unknown[]): Copies<unknown[]> {
  const each = list.map(copiesOf);
  const [first, second] = each;
  if (first && each.length === 1) return () => [first()];
  if (first && second && each.length === 2) return () => [first(), second()];
  return () => each.map((copy) => copy());
}

function copiesOfElements(value: object): Copies<object> {
  const names = Object.keys(value);
  const each = Object.values(value).map(copiesOf);
  return () => {
    const copy: Record<string, unknown> = {};
    for (let at = 0; at < names.length; at++) copy[names[at]!] = each[at]!();
    return copy;
  };
}
