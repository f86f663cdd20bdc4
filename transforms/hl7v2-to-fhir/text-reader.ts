import { DEFAULT_DELIMITERS, type Delimiters } from '../../protocols/hl7v2/delimiters.ts';
import { type HexDecoder, unescapeText } from '../../protocols/hl7v2/escape.ts';
import { type Division, Leaf, type Leaves, View } from './leaves.ts';

const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;
const CONTROLS = new RegExp(CONTROL, 'g');

/** What a character is to the reader; of a value a bit each says what stands in it. */
const SOLID = 0;
const FIELD = 1;
const REPETITION = 2;
const COMPONENT = 3;
const SUBCOMPONENT = 4;
/** An escape, or a control character. */
const ODD = 5;
/** A blank, and what is beyond ASCII: of such alone a value may hold nothing. */
const SOFT = 6;
/** A quotation mark: of such it may ask to delete what is there. */
const QUOTE = 7;
/** In place of the others: MSH-1 and MSH-2 are not divided. */
const VERBATIM = 1 << 8;

const DIVIDES = (1 << COMPONENT) | (1 << SUBCOMPONENT);

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

/** Divides a text of one message: all of it, or a segment. */
export class TextReader {
  readonly #text: string;
  readonly #writing: Writing;

  constructor(text: string, writing: Writing) {
    this.#text = text;
    this.#writing = writing;
  }

  /** The first repetition of each field of a segment, the field's number the index; undefined where a field is empty. */
  fields(start: number, end: number): (View | undefined)[] {
    const text = this.#text;
    const { kinds, delimiters } = this.#writing;
    let at = start;
    while (at < end && text.charCodeAt(at) !== delimiters.field) at++;
    if (at === end) return [undefined];
    at++;
    let first = 1;
    if (at === start + 4 && declaresDelimiters(text, start)) {
      first = 3;
      while (at < end && text.charCodeAt(at) !== delimiters.field) at++;
      if (at === end) return [undefined, this.#verbatim(start + 3, start + 4), this.#verbatim(start + 4, end)];
      at++;
    }
    let from = at;
    let ends = usualEnds;
    let signs = usualSigns;
    let count = 0;
    let seen = 0;
    for (; at < end; at++) {
      const code = text.charCodeAt(at);
      const kind = code < 0x80 ? kinds[code]! : code < 0xfffe ? SOFT : ODD;
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

  /** Whether there is certainly something in a value. */
  isSolid(signs: number): boolean {
    return (signs & ((1 << SOLID) | (1 << ODD))) === 1 << SOLID;
  }

  /** Whether a value is divided alike wherever it is, and asks to delete nothing. */
  isPlain(signs: number): boolean {
    return this.#writing.isUsual && this.isSolid(signs) && (signs & (1 << QUOTE)) === 0;
  }

  isDivided(signs: number): boolean {
    return (signs & DIVIDES) !== 0;
  }

  /** A value of the same text that stands alone: what is made of it holds nothing of the message in memory. */
  apart(raw: string): View {
    // A part of a text keeps all of that in memory: only what has been encoded and decoded is a text of its own.
    const text = Buffer.from(raw, 'utf16le').toString('utf16le');
    const signs = this.#signsIn(text, 0, text.length);
    return new View(new TextReader(text, this.#writing), 0, text.length, signs);
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
      if (at < end && this.#text.charCodeAt(at) !== this.#writing.delimiters.repetition) continue;
      const view = new View(this, from, at, this.#signsIn(this.#text, from, at));
      holds ||= view.holds;
      if (last) last.next = view;
      else first = view;
      last = view;
      from = at + 1;
    }
    return holds ? first : undefined;
  }

  #signsIn(text: string, start: number, end: number): number {
    const { kinds } = this.#writing;
    let seen = 0;
    for (let at = start; at < end; at++) {
      const code = text.charCodeAt(at);
      seen |= 1 << (code < 0x80 ? kinds[code]! : code < 0xfffe ? SOFT : ODD);
    }
    return seen;
  }

  /** The leaves of a value, by what stands in it. */
  divide(start: number, end: number, signs: number): Division {
    const text = this.#text;
    if (signs === VERBATIM) return { parts: [new Leaf(text.slice(start, end))], divided: undefined };
    const isPlain = (signs & (1 << ODD)) === 0;
    if ((signs & DIVIDES) === 0) return { parts: [this.#leaf(start, end, isPlain)], divided: undefined };
    const { component, subcomponent } = this.#writing.delimiters;
    let count = 1;
    for (let at = start; at < end; at++) if (text.charCodeAt(at) === component) count++;
    const parts = emptyOf<Leaf>(count);
    let divided: (Leaves | undefined)[] | undefined;
    let isDivided = false;
    for (let n = 0, from = start, at = start; n < count; at++) {
      const code = at < end ? text.charCodeAt(at) : component;
      if (code === subcomponent) isDivided = true;
      if (code !== component && at < end) continue;
      if (isDivided) {
        const leaves = this.#subcomponents(from, at, isPlain);
        parts[n] = leaves?.[0];
        if (leaves) (divided ??= emptyOf<Leaves>(count))[n] = leaves;
      } else parts[n] = this.#leaf(from, at, isPlain);
      n++;
      from = at + 1;
      isDivided = false;
    }
    return { parts, divided };
  }

  #subcomponents(start: number, end: number, isPlain: boolean): Leaves | undefined {
    const leaves: (Leaf | undefined)[] = [];
    for (let from = start, at = start; at <= end; at++) {
      if (at < end && this.#text.charCodeAt(at) !== this.#writing.delimiters.subcomponent) continue;
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
  const kinds = new Uint8Array(0x80).fill(ODD, 0, 0x20);
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
