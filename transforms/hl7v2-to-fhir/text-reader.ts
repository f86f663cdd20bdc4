import { DEFAULT_DELIMITERS, type Delimiters } from '../../protocols/hl7v2/delimiters.ts';
import { type HexDecoder, unescapeText } from '../../protocols/hl7v2/escape.ts';
import { type Division, Leaf, type Leaves, View } from './leaves.ts';
import { COMPONENT, FIELD, isDivided, ODD, QUOTE, REPETITION, SOFT, SUBCOMPONENT, VERBATIM } from './signs.ts';

const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;
const CONTROLS = new RegExp(CONTROL, 'g');

/** How one message is written. */
export class Writing {
  readonly delimiters: Delimiters;
  readonly hex: HexDecoder;
  readonly kinds: Uint8Array;
  readonly isUsual: boolean;

  constructor(delimiters: Delimiters, hex: HexDecoder) {
    this.delimiters = delimiters;
    this.hex = hex;
    this.isUsual = delimiters === DEFAULT_DELIMITERS;
    this.kinds = this.isUsual ? usualKinds : kindsOf(delimiters);
  }
}

/** Where the fields of the segment at hand end, and what stands in them: used again for each. A segment of more has lists of its own. */
const usualEnds = new Int32Array(256);
const usualSigns = new Uint8Array(256);

/** Of a text that is not of ASCII the readers' own byte for a character: two for what is beyond it. */
const BEYOND = 0x80;
const NO_CHARACTER = 0x81;

/** Divides a text of one message: all of it, or a segment. */
export class TextReader {
  readonly #text: string;
  /** A byte for each of its characters, which is read several times as fast as the character. */
  readonly #bytes: Buffer;
  readonly #writing: Writing;

  /** @param bytes those of the text, where it is of ASCII */
  constructor(text: string, writing: Writing, bytes: Buffer = bytesOf(text)) {
    this.#text = text;
    this.#bytes = bytes;
    this.#writing = writing;
  }

  /** The first repetition of each field of a segment, the field's number the index; undefined where a field is empty. */
  fields(start: number, end: number): (View | undefined)[] {
    const bytes = this.#bytes;
    const { kinds, delimiters } = this.#writing;
    let at = start;
    while (at < end && bytes[at] !== delimiters.field) at++;
    if (at === end) return [undefined];
    at++;
    let first = 1;
    if (at === start + 4 && declaresDelimiters(this.#text, start)) {
      first = 3;
      while (at < end && bytes[at] !== delimiters.field) at++;
      if (at === end) return [undefined, this.#verbatim(start + 3, start + 4), this.#verbatim(start + 4, end)];
      at++;
    }
    let from = at;
    let ends = usualEnds;
    let signs = usualSigns;
    let count = 0;
    let seen = 0;
    for (; at < end; at++) {
      const kind = kinds[bytes[at]!]!;
      if (kind !== FIELD) {
        seen |= 1 << kind;
        continue;
      }
      // One is left for the end.
      if (count === ends.length - 1) {
        ends = twice(ends, new Int32Array(ends.length * 2));
        signs = twice(signs, new Uint8Array(signs.length * 2));
      }
      ends[count] = at;
      signs[count++] = seen;
      seen = 0;
    }
    ends[count] = end;
    signs[count++] = seen;
    // Of the size that it has: what grows costs several times that.
    const fields = emptyOf<View>(first + count);
    if (first === 3) {
      fields[1] = this.#verbatim(start + 3, start + 4);
      fields[2] = this.#verbatim(start + 4, from - 1);
    }
    for (let n = 0; n < count; n++) {
      const until = ends[n]!;
      if (until > from) fields[first + n] = this.#field(from, until, signs[n]!);
      from = until + 1;
    }
    return fields;
  }

  slice(start: number, end: number): string {
    return this.#text.slice(start, end);
  }

  get isUsual(): boolean {
    return this.#writing.isUsual;
  }

  apart(raw: string): View {
    // A part of a text keeps all of that in memory: only what has been encoded and decoded is a text of its own.
    const text = Buffer.from(raw, 'utf16le').toString('utf16le');
    return new TextReader(text, this.#writing).#alone();
  }

  #alone(): View {
    const { length } = this.#text;
    return new View(this, 0, length, this.#signsIn(0, length));
  }

  /** The text of a value that is not divided. Control characters that FHIR does not allow are left out. */
  text(raw: string): string {
    const { delimiters, hex } = this.#writing;
    const isEscaped = delimiters.escape >= 0 && raw.includes(String.fromCharCode(delimiters.escape));
    const text = isEscaped ? unescapeText(raw, delimiters, hex) : raw;
    return CONTROL.test(text) ? text.replace(CONTROLS, '') : text;
  }

  #verbatim(start: number, end: number): View {
    return new View(this, start, end, VERBATIM);
  }

  #field(start: number, end: number, signs: number): View | undefined {
    if ((signs & (1 << REPETITION)) === 0) {
      const view = new View(this, start, end, signs);
      return view.valued || view.holds ? view : undefined;
    }
    let first: View | undefined;
    let last: View | undefined;
    let from = start;
    let holds = false;
    for (let at = start; at <= end; at++) {
      if (at < end && this.#bytes[at] !== this.#writing.delimiters.repetition) continue;
      const view = new View(this, from, at, this.#signsIn(from, at));
      holds ||= view.holds;
      if (last) last.next = view;
      else first = view;
      last = view;
      from = at + 1;
    }
    return holds ? first : undefined;
  }

  #signsIn(start: number, end: number): number {
    const { kinds } = this.#writing;
    let seen = 0;
    for (let at = start; at < end; at++) seen |= 1 << kinds[this.#bytes[at]!]!;
    return seen;
  }

  /** The leaves of a value, by what stands in it. */
  divide(start: number, end: number, signs: number): Division {
    if (signs === VERBATIM) return { parts: [new Leaf(this.#text.slice(start, end))], divided: undefined };
    const isPlain = (signs & (1 << ODD)) === 0;
    if (!isDivided(signs)) return { parts: [this.#leaf(start, end, isPlain)], divided: undefined };
    const bytes = this.#bytes;
    const { component, subcomponent } = this.#writing.delimiters;
    let count = 1;
    for (let at = start; at < end; at++) if (bytes[at] === component) count++;
    const parts = emptyOf<Leaf>(count);
    let divided: (Leaves | undefined)[] | undefined;
    let hasSubcomponents = false;
    for (let n = 0, from = start, at = start; n < count; at++) {
      const code = at < end ? bytes[at] : component;
      if (code === subcomponent) hasSubcomponents = true;
      if (code !== component && at < end) continue;
      if (hasSubcomponents) {
        const leaves = this.#subcomponents(from, at, isPlain);
        parts[n] = leaves?.[0];
        if (leaves) (divided ??= emptyOf<Leaves>(count))[n] = leaves;
      } else parts[n] = this.#leaf(from, at, isPlain);
      n++;
      from = at + 1;
      hasSubcomponents = false;
    }
    return { parts, divided };
  }

  #subcomponents(start: number, end: number, isPlain: boolean): Leaves | undefined {
    const leaves: (Leaf | undefined)[] = [];
    for (let from = start, at = start; at <= end; at++) {
      if (at < end && this.#bytes[at] !== this.#writing.delimiters.subcomponent) continue;
      leaves.push(this.#leaf(from, at, isPlain));
      from = at + 1;
    }
    return leaves.some((leaf) => leaf !== undefined) ? leaves : undefined;
  }

  /** Blanks alone are nothing: FHIR has no such text. */
  #leaf(start: number, end: number, isPlain: boolean): Leaf | undefined {
    if (start === end) return undefined;
    const raw = this.#text.slice(start, end);
    const text = isPlain ? raw : this.text(raw);
    const trimmed = isTrimmed(text) ? text : text.trim();
    return trimmed === '' ? undefined : new Leaf(trimmed);
  }
}

/** Whether nothing can be cut off at its ends; of what is beyond ASCII that is not said. */
function isTrimmed(text: string): boolean {
  const first = text.charCodeAt(0);
  const last = text.charCodeAt(text.length - 1);
  return first > 0x20 && first < 0x7f && last > 0x20 && last < 0x7f;
}

function bytesOf(text: string): Buffer {
  const { length } = text;
  const bytes = Buffer.allocUnsafe(length);
  for (let at = 0; at < length; at++) {
    const code = text.charCodeAt(at);
    bytes[at] = code < BEYOND ? code : code < 0xfffe ? BEYOND : NO_CHARACTER;
  }
  return bytes;
}

function emptyOf<T>(length: number): (T | undefined)[] {
  const list = new Array<T | undefined>(length);
  // A loop: `fill` costs a call into the runtime, which is more than what it does.
  for (let at = 0; at < length; at++) list[at] = undefined;
  return list;
}

function twice<T extends Int32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>>(list: T, longer: T): T {
  longer.set(list);
  return longer;
}

function declaresDelimiters(text: string, at: number): boolean {
  return text.startsWith('MSH', at) || text.startsWith('FHS', at) || text.startsWith('BHS', at);
}

function kindsOf(delimiters: Delimiters): Uint8Array {
  const kinds = new Uint8Array(0x100).fill(ODD, 0, 0x20);
  kinds[BEYOND] = SOFT;
  kinds[NO_CHARACTER] = ODD;
  kinds[0x20] = kinds[0x7f] = SOFT;
  kinds[0x22] = QUOTE;
  if (delimiters.escape >= 0) kinds[delimiters.escape] = ODD;
  if (delimiters.subcomponent >= 0) kinds[delimiters.subcomponent] = SUBCOMPONENT;
  if (delimiters.repetition >= 0) kinds[delimiters.repetition] = REPETITION;
  if (delimiters.component >= 0) kinds[delimiters.component] = COMPONENT;
  kinds[delimiters.field] = FIELD;
  return kinds;
}

const usualKinds = kindsOf(DEFAULT_DELIMITERS);
