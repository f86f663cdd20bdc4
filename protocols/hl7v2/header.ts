import { asBuffer, indexOfByte } from './bytes.ts';
import { ascii, type Charset, charsetNamed, isUtf8, latin1, utf8 } from './charset.ts';
import { type Delimiters, findHeader, readDelimiters } from './delimiters.ts';
import { unescapeText } from './escape.ts';

const CR = 0x0d;
const LF = 0x0a;
/** MSH has 25 fields in HL7 2.8; what comes after them is not looked at, nor is what comes after so many bytes. */
const LAST_FIELD = 25;
const LONGEST = 65_536;

/**
 * Reads the MSH segment of a message, and nothing after it.
 * @returns undefined when the bytes do not begin with an MSH segment whose delimiters can be read; never throws
 */
export function readHeader(raw: Uint8Array): Header | undefined {
  const bytes = asBuffer(raw);
  const at = findHeader(bytes);
  if (at < 0) return undefined;
  const delimiters = delimitersOrNone(bytes, at);
  if (!delimiters) return undefined;
  const limit = Math.min(bytes.length, at + LONGEST);
  const end = indexOfByte(bytes, LF, at, indexOfByte(bytes, CR, at, limit));
  return new Header(bytes.toString('latin1', at, end), delimiters);
}

/**
 * What a reply needs to know of a message. The values are as `Hl7Message.get` gives them, but empty where there is
 * nothing; they are read when asked for.
 */
export class Header {
  readonly delimiters: Delimiters;
  /** The MSH segment, each byte one character. */
  readonly #text: string;
  /** Where MSH-2 and those after it begin; the last entry is one past the end, as if one more began there. */
  readonly #starts: number[];

  /** @param text the MSH segment as its bytes stand, each byte one character (ISO 8859-1) */
  constructor(text: string, delimiters: Delimiters) {
    this.#text = text;
    this.delimiters = delimiters;
    const starts = [4];
    for (let at = 4; at < text.length && starts.length < LAST_FIELD; at++) {
      if (text.charCodeAt(at) === delimiters.field) starts.push(at + 1);
    }
    if (starts.length < LAST_FIELD) starts.push(text.length + 1);
    this.#starts = starts;
  }

  /** MSH-3 to MSH-6, whole fields. */
  get sendingApplication(): string {
    return this.#value(3);
  }
  get sendingFacility(): string {
    return this.#value(4);
  }
  get receivingApplication(): string {
    return this.#value(5);
  }
  get receivingFacility(): string {
    return this.#value(6);
  }

  /** MSH-9.1, `ADT`. */
  get code(): string {
    return this.#value(9, 1);
  }

  /** MSH-9.2, `A01`. */
  get event(): string {
    return this.#value(9, 2);
  }

  /** MSH-10. */
  get controlId(): string {
    return this.#value(10);
  }

  /** MSH-11.1: P, T or D. */
  get processingId(): string {
    return this.#value(11, 1);
  }

  /** MSH-12.1, `2.5.1`. */
  get version(): string {
    return this.#value(12, 1);
  }

  /** MSH-15 and MSH-16, see `ackMode`. */
  get acceptAckType(): string {
    return this.#value(15);
  }
  get applicationAckType(): string {
    return this.#value(16);
  }

  /** The character set that the header itself is in: that of MSH-18, else UTF-8 where its bytes are that, else ISO 8859-1. */
  get charset(): Charset {
    const [first = ''] = this.bytesOf(18).split(String.fromCharCode(this.delimiters.repetition), 1);
    const named = charsetNamed(first);
    if (named && (named !== ascii || isAscii(this.#text))) return named;
    return isUtf8(Buffer.from(this.#text, 'latin1')) ? utf8 : latin1;
  }

  /**
   * Field `n` (from 2) as its bytes stand, each byte one character (ISO 8859-1): what an acknowledgement echoes goes back
   * byte for byte, whatever it is.
   */
  bytesOf(n: number): string {
    const start = this.#starts[n - 2];
    const next = this.#starts[n - 1];
    return start === undefined || next === undefined ? '' : this.#text.slice(start, next - 1);
  }

  /** The same of a field and the next, with the separator between them. */
  bytesOfTwo(n: number): string {
    const start = this.#starts[n - 2];
    const next = this.#starts[n];
    if (start !== undefined && next !== undefined) return this.#text.slice(start, next - 1);
    return this.bytesOf(n) + String.fromCharCode(this.delimiters.field);
  }

  /** Component `n` (from 1) of a field as its bytes stand. */
  componentBytesOf(field: number, n: number): string {
    const text = this.bytesOf(field);
    const { component } = this.delimiters;
    if (component < 0) return n === 1 ? text : '';
    const divider = String.fromCharCode(component);
    let start = 0;
    for (let left = n; left > 1; left--) {
      start = text.indexOf(divider, start) + 1;
      if (start === 0) return '';
    }
    const end = text.indexOf(divider, start);
    return end < 0 ? text.slice(start) : text.slice(start, end);
  }

  /** A field, or one of its components (from 1). */
  #value(n: number, component?: number): string {
    const { delimiters } = this;
    let text = component === undefined ? this.bytesOf(n) : this.componentBytesOf(n, component);
    if (text === '""') return '';
    if (!isAscii(text)) text = this.#decoded(text);
    return unescapeText(text, delimiters);
  }

  #decoded(text: string): string {
    const bytes = Buffer.from(text, 'latin1');
    return this.charset.decode(bytes, 0, bytes.length);
  }
}

function delimitersOrNone(bytes: Buffer, at: number): Delimiters | undefined {
  try {
    return readDelimiters(bytes, at);
  } catch {
    return undefined;
  }
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) >= 0x80) return false;
  return true;
}
