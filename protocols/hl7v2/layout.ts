import { ascii, type Charset, charsetNamed, isUtf8, latin1, utf8 } from './charset.ts';
import type { Delimiters } from './delimiters.ts';
import { Span } from './span.ts';

const CR = 0x0d;
const LF = 0x0a;
const DECLARED_CHARSET = 18;

/**
 * Where the segments of one message lie in its bytes, found as far as someone asked. A segment ends at CR, LF or CRLF,
 * mixed too; empty lines are none, and blanks before a name are not part of its segment.
 */
export class Layout {
  readonly bytes: Buffer;
  readonly delimiters: Delimiters;
  /** The first byte and the byte after the last one of each segment found so far; the terminator is outside. */
  readonly starts: number[] = [];
  readonly ends: number[] = [];
  /** The packed name of each segment found so far, see `packName`; 0 for a line that has no segment's name. */
  readonly names: number[] = [];
  /** Reused by every reading of one value, so that reading allocates nothing. */
  readonly span = new Span();
  #charset: Charset | undefined;
  #next: number;
  #cr = -1;
  #lf = -1;

  /**
   * @param at where the first segment begins; it is the one whose delimiters are given
   * @param charset the character set, when it is not to be taken from MSH-18
   */
  constructor(bytes: Buffer, at: number, delimiters: Delimiters, charset?: Charset) {
    this.bytes = bytes;
    this.delimiters = delimiters;
    this.#charset = charset;
    this.#next = at;
  }

  /** Whether there is a segment number `index` (from 0). */
  reach(index: number): boolean {
    while (this.names.length <= index) if (!this.#findNext()) return false;
    return true;
  }

  /** Narrows `span` to field `n` (from 1) of segment number `index`; false when that segment ends before it. */
  field(index: number, n: number, span: Span): boolean {
    const start = this.starts[index]!;
    const end = this.ends[index]!;
    const separator = this.delimiters.field;
    const name = this.names[index]!;
    if (name === 0) {
      span.set(start, end);
      return span.part(this.bytes, separator, n + 1);
    }
    if (!declaresDelimiters(name)) return span.field(this.bytes, separator, start, end, n);
    if (n > 1) return span.field(this.bytes, separator, start, end, n - 1);
    span.set(start + 3, start + 4);
    return true;
  }

  /**
   * The character set: the one given, else the first of MSH-18. What declares none, an unknown one or ASCII is taken by
   * its bytes: UTF-8 where they are valid UTF-8, else ISO 8859-1 – and ASCII where it was declared and kept.
   */
  get charset(): Charset {
    this.#charset ??= this.#declaredCharset();
    return this.#charset;
  }

  #declaredCharset(): Charset {
    this.reach(0);
    const span = new Span();
    const { bytes, delimiters } = this;
    const named =
      this.field(0, DECLARED_CHARSET, span) && span.part(bytes, delimiters.repetition, 1)
        ? charsetNamed(bytes.toString('latin1', span.start, span.end))
        : undefined;
    if (named && named !== ascii) return named;
    if (named === ascii && bytes.every((byte) => byte < 0x80)) return ascii;
    return isUtf8(bytes) ? utf8 : latin1;
  }

  #findNext(): boolean {
    const { bytes } = this;
    const length = bytes.length;
    let start = this.#next;
    while (start < length && isBlank(bytes[start]!)) start++;
    if (start === length) {
      this.#next = length;
      return false;
    }
    // Each kind of terminator is searched for from where it was last found: the one that does not occur is searched for once.
    if (this.#cr < start) this.#cr = find(bytes, CR, start);
    if (this.#lf < start) this.#lf = find(bytes, LF, start);
    const end = this.#cr < this.#lf ? this.#cr : this.#lf;
    this.starts.push(start);
    this.ends.push(end);
    this.names.push(this.#nameAt(start, end));
    this.#next = end;
    return true;
  }

  #nameAt(start: number, end: number): number {
    const { bytes } = this;
    const length = end - start;
    if (length < 3 || (length > 3 && bytes[start + 3] !== this.delimiters.field)) return 0;
    const first = bytes[start]!;
    const second = bytes[start + 1]!;
    const third = bytes[start + 2]!;
    return isNameByte(first) && isNameByte(second) && isNameByte(third) ? packName(first, second, third) : 0;
  }
}

/** Capitals and digits, as in paths. */
function isNameByte(byte: number): boolean {
  return (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x30 && byte <= 0x39);
}

function isBlank(byte: number): boolean {
  return byte === CR || byte === LF || byte === 0x20 || byte === 0x09;
}

/** A segment's name as one number, so that names compare at once. */
export function packName(first: number, second: number, third: number): number {
  return (first << 16) | (second << 8) | third;
}

/** `packName` of a name of three characters. */
export function packedName(name: string): number {
  return packName(name.charCodeAt(0), name.charCodeAt(1), name.charCodeAt(2));
}

const names = new Map<number, string>();

/** The name that was packed, the same text each time: there are no more than 46,656, and few in use. */
export function unpackedName(packed: number): string {
  let name = names.get(packed);
  if (name === undefined) {
    const text = String.fromCharCode(packed >> 16, (packed >> 8) & 0xff, packed & 0xff);
    // As the name of a property it is one that compares by where it is, not by what it says.
    [name = text] = Object.keys({ [text]: 0 });
    names.set(packed, name);
  }
  return name;
}

/** MSH, FHS and BHS: their field 1 is the field separator itself and their field 2 is never split. */
export function declaresDelimiters(name: number): boolean {
  return name === MSH || name === FHS || name === BHS;
}

const MSH = packedName('MSH');
const FHS = packedName('FHS');
const BHS = packedName('BHS');

function find(bytes: Buffer, byte: number, from: number): number {
  const found = bytes.indexOf(byte, from);
  return found < 0 ? bytes.length : found;
}
