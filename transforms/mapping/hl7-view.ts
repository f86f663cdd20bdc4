import { asBuffer } from '../../protocols/hl7v2/bytes.ts';
import { type Charset, charsetNamed, utf8 } from '../../protocols/hl7v2/charset.ts';
import { findHeader } from '../../protocols/hl7v2/delimiters.ts';
import { declaresDelimiters, Layout } from '../../protocols/hl7v2/layout.ts';
import type { Hl7Message } from '../../protocols/hl7v2/message.ts';
import type { Path } from '../../protocols/hl7v2/path.ts';
import { findPlainIn, narrow } from '../../protocols/hl7v2/select.ts';
import { readValue } from '../../protocols/hl7v2/value.ts';
import type { Hl7Definitions, SegmentGroup } from './hl7-definitions.ts';

/** A message that a map reads or writes: its bytes, laid out, and where the fields of each segment begin. */
export class Hl7View {
  readonly message: Hl7Message;
  readonly layout: Layout;
  readonly charset: Charset;
  /** The bytes, each as one character. Pieces of it cost nothing, where each piece of the bytes would be a call into the runtime. */
  readonly text: string;
  readonly #fields: (number[] | undefined)[] = [];
  #groups: readonly SegmentGroup[] | undefined;

  constructor(message: Hl7Message) {
    const bytes = asBuffer(message.raw);
    this.message = message;
    this.text = bytes.toString('latin1');
    this.charset = charsetOf(message);
    this.layout = new Layout(bytes, findHeader(bytes), message.delimiters, this.charset);
  }

  groups(definitions: Hl7Definitions): readonly SegmentGroup[] {
    this.#groups ??= definitions.groupsOf(this.message);
    return this.#groups;
  }

  /** How many segments there are. */
  get length(): number {
    const { layout } = this;
    while (layout.reach(layout.names.length));
    return layout.names.length;
  }

  /**
   * Where the parts of a segment begin that the field separator divides: its name, its fields, and one past the end as if one more
   * began there. Kept: a map reads and writes many fields of few segments.
   */
  fields(index: number): readonly number[] {
    let starts = this.#fields[index];
    if (!starts) {
      const { bytes, delimiters } = this.layout;
      const end = this.layout.ends[index]!;
      const separator = delimiters.field;
      starts = [this.layout.starts[index]!];
      for (let at = starts[0]!; at < end; at++) if (bytes[at] === separator) starts.push(at + 1);
      starts.push(end + 1);
      this.#fields[index] = starts;
    }
    return starts;
  }

  /** Narrows the layout's span to what a path names in a segment, in its first repetition; false when there is no such place. */
  find(index: number, path: Path): boolean {
    const { layout } = this;
    const { span } = layout;
    const heads = declaresDelimiters(path.name);
    if (heads && path.field < 3) return findPlainIn(layout, index, path, span);
    const at = heads ? path.field - 1 : path.field;
    const starts = this.fields(index);
    if (at + 1 >= starts.length) return false;
    span.set(starts[at]!, starts[at + 1]! - 1);
    return (
      span.part(layout.bytes, layout.delimiters.repetition, 1) && (path.component === 0 || narrow(layout, path, span))
    );
  }

  /** As `readValue`. */
  value(start: number, end: number): string | null | undefined {
    const { bytes, delimiters } = this.layout;
    const mark = delimiters.escape;
    if (end - start > SHORT || (end - start === 2 && bytes[start] === QUOTE)) return readValue(this.layout, start, end);
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!;
      if (byte === mark || byte >= 0x80) return readValue(this.layout, start, end);
    }
    return end > start ? this.text.slice(start, end) : undefined;
  }

  /** The first segment of a name; -1 when there is none. */
  firstNamed(name: number): number {
    const { layout } = this;
    const { names } = layout;
    for (let index = 0; index < names.length || layout.reach(index); index++) if (names[index] === name) return index;
    return -1;
  }
}

const QUOTE = 0x22;
/** Longer values go the way that searches natively. */
const SHORT = 256;
const charsets = new Map<string, Charset>();

/** The character set of a message. Finding one by its name takes longer than reading a field, and there are few. */
function charsetOf({ charset: name }: Hl7Message): Charset {
  let found = charsets.get(name);
  if (!found) {
    found = charsetNamed(name) ?? utf8;
    charsets.set(name, found);
  }
  return found;
}
