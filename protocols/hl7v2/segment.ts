import { indexOfByte } from './bytes.ts';
import { type Layout, unpackedName } from './layout.ts';
import { compilePlace } from './path.ts';
import { everyValueIn, firstValueIn } from './read.ts';
import { isVerbatim } from './select.ts';
import { countParts, Span } from './span.ts';
import { readText, readValue } from './value.ts';

/** One segment of a message, read where it lies. */
export class Segment {
  /** Its place among the segments of the message, from 0. */
  readonly index: number;
  readonly #layout: Layout;

  constructor(layout: Layout, index: number) {
    this.#layout = layout;
    this.index = index;
  }

  /** The place of its first byte in those of the message. */
  get start(): number {
    return this.#layout.starts[this.index]!;
  }

  /** The place behind its last byte, its terminator not counted. */
  get end(): number {
    return this.#layout.ends[this.index]!;
  }

  /** What stands before the first field separator: `PID`, `ZPI`; of a line that is no segment, whatever that is. */
  get name(): string {
    const { bytes, delimiters, starts, ends, names } = this.#layout;
    const packed = names[this.index]!;
    if (packed !== 0) return unpackedName(packed);
    const start = starts[this.index]!;
    return readText(this.#layout, start, indexOfByte(bytes, delimiters.field, start, ends[this.index]!));
  }

  /** The segment as it stands, without its terminator. */
  get text(): string {
    return readText(this.#layout, this.#layout.starts[this.index]!, this.#layout.ends[this.index]!);
  }

  /** How many fields there are, trailing empty ones included. In MSH, MSH-1 and MSH-2 count. */
  get fieldCount(): number {
    const { bytes, delimiters, starts, ends } = this.#layout;
    const start = starts[this.index]!;
    const separators = countParts(bytes, delimiters.field, start, ends[this.index]!) - 1;
    return isVerbatim(this.#layout, this.index, 1) ? separators + 1 : separators;
  }

  /**
   * The value at a place of this segment, written as in a path after `PID-`: `5.1`, `3[5=MR].1`, `11[2].3.1`.
   * As `Hl7Message.get`: undefined when absent or empty, null for `""`.
   * @throws ProtocolFault hl7v2.bad-path
   */
  get(place: string): string | null | undefined {
    return firstValueIn(this.#layout, compilePlace(place), this.index);
  }

  /**
   * Every value at a place of this segment, over the repetitions; empty ones and `""` are left out.
   * @throws ProtocolFault hl7v2.bad-path
   */
  all(place: string): string[] {
    return everyValueIn(this.#layout, compilePlace(place), this.index);
  }

  /** Field `n` from 1; one that the segment does not reach is empty. */
  field(n: number): Part {
    const layout = this.#layout;
    const span = new Span();
    const end = layout.ends[this.index]!;
    if (!(n >= 1 && layout.field(this.index, n, span))) return new Part(layout, 'field', end, end);
    return new Part(layout, isVerbatim(layout, this.index, n) ? 'verbatim' : 'field', span.start, span.end);
  }
}

type Level = 'field' | 'repetition' | 'component' | 'subcomponent' | 'verbatim';

/**
 * A field, or one of its repetitions, components or subcomponents. What lies deeper is asked of the first at each level
 * between: `field(5).components` are those of the first repetition.
 */
export class Part {
  readonly #layout: Layout;
  readonly #level: Level;
  readonly #start: number;
  readonly #end: number;

  constructor(layout: Layout, level: Level, start: number, end: number) {
    this.#layout = layout;
    this.#level = level;
    this.#start = start;
    this.#end = end;
  }

  /** The characters as they stand, escapes and the delimiters of deeper levels included. */
  get text(): string {
    return readText(this.#layout, this.#start, this.#end);
  }

  /** The text with its escapes decoded; undefined when empty, null for `""`. Exact where nothing lies deeper. */
  get value(): string | null | undefined {
    return this.#level === 'verbatim' ? this.text : readValue(this.#layout, this.#start, this.#end);
  }

  get repetitions(): Part[] {
    return this.#level === 'field' ? this.#split('repetition', this.#layout.delimiters.repetition) : [this];
  }

  get components(): Part[] {
    if (this.#level === 'field') return this.repetitions[0]!.components;
    return this.#level === 'repetition' ? this.#split('component', this.#layout.delimiters.component) : [this];
  }

  get subcomponents(): Part[] {
    if (this.#level === 'field' || this.#level === 'repetition') return this.components[0]!.subcomponents;
    return this.#level === 'component' ? this.#split('subcomponent', this.#layout.delimiters.subcomponent) : [this];
  }

  #split(level: Level, separator: number): Part[] {
    const parts: Part[] = [];
    const { bytes } = this.#layout;
    const span = new Span();
    for (let start = this.#start; start <= this.#end; start = span.end + 1) {
      span.set(start, this.#end);
      span.part(bytes, separator, 1);
      parts.push(new Part(this.#layout, level, span.start, span.end));
    }
    return parts;
  }
}
