import { ProtocolFault } from '../fault.ts';

/**
 * The delimiters of one message as byte values, which are their character codes too (only printable ASCII is accepted).
 * -1 where MSH-2 is too short to declare one: that level then does not exist in the message (HL7 2.5.1 §2.5.4).
 */
export interface Delimiters {
  readonly field: number;
  readonly component: number;
  readonly repetition: number;
  readonly escape: number;
  readonly subcomponent: number;
  /** Declared since HL7 2.7 (§2.5.5.2). */
  readonly truncation: number;
}

/** `|^~\&`, the delimiters that HL7 recommends. */
export const DEFAULT_DELIMITERS: Delimiters = {
  field: 0x7c,
  component: 0x5e,
  repetition: 0x7e,
  escape: 0x5c,
  subcomponent: 0x26,
  truncation: -1,
};
const DEFAULT_2_7: Delimiters = { ...DEFAULT_DELIMITERS, truncation: 0x23 };

const M = 0x4d;
const S = 0x53;
const H = 0x48;
const CR = 0x0d;
const LF = 0x0a;

/**
 * Where the MSH segment begins: after a byte order mark, blank lines and blanks, if there are any.
 * @returns the offset of its `M`, or -1 when something else comes first.
 */
export function findHeader(bytes: Uint8Array): number {
  let at = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  while (isBlank(bytes[at])) at++;
  return bytes[at] === M && bytes[at + 1] === S && bytes[at + 2] === H ? at : -1;
}

/**
 * Reads the delimiters that the MSH, FHS or BHS segment at `at` declares.
 * @throws ProtocolFault hl7v2.truncated-header, hl7v2.bad-delimiters
 */
export function readDelimiters(bytes: Uint8Array, at: number): Delimiters {
  if (declares(bytes, at, DEFAULT_DELIMITERS) && bytes[at + 8] === DEFAULT_DELIMITERS.field) return DEFAULT_DELIMITERS;
  if (declares(bytes, at, DEFAULT_2_7) && bytes[at + 9] === DEFAULT_DELIMITERS.field) return DEFAULT_2_7;
  const field = bytes[at + 3];
  if (field === undefined) throw new ProtocolFault('hl7v2.truncated-header', 'reading MSH-1: the bytes end', at + 3);
  let end = at + 4;
  while (end < bytes.length && bytes[end] !== field && bytes[end] !== CR && bytes[end] !== LF) end++;
  if (end === bytes.length && end < at + 8) {
    throw new ProtocolFault('hl7v2.truncated-header', 'reading MSH-2: the bytes end', end);
  }
  const declared = (n: number) => (at + 4 + n < end ? bytes[at + 4 + n]! : -1);
  const four = [declared(0), declared(1), declared(2), declared(3)];
  const used = [field, ...four.filter((byte) => byte >= 0)];
  if (used.length === 1) throw new ProtocolFault('hl7v2.bad-delimiters', 'reading MSH-2: it is empty', at + 4);
  if (!used.every(isDelimiter)) {
    throw new ProtocolFault('hl7v2.bad-delimiters', 'reading MSH-1 and MSH-2: not all are punctuation', at + 3);
  }
  if (new Set(used).size < used.length) {
    throw new ProtocolFault('hl7v2.bad-delimiters', 'reading MSH-1 and MSH-2: one is declared twice', at + 3);
  }
  const [component, repetition, mark, subcomponent] = four as [number, number, number, number];
  const fifth = declared(4);
  const truncation = isDelimiter(fifth) && !used.includes(fifth) ? fifth : -1;
  return { field, component, repetition, escape: mark, subcomponent, truncation };
}

/** MSH-2 (or FHS-2, BHS-2) as these delimiters declare it. */
export function encodingCharacters(delimiters: Delimiters): string {
  const { component, repetition, escape: mark, subcomponent, truncation } = delimiters;
  return String.fromCharCode(...[component, repetition, mark, subcomponent, truncation].filter((code) => code >= 0));
}

function declares(bytes: Uint8Array, at: number, known: Delimiters): boolean {
  return (
    bytes[at + 3] === known.field &&
    bytes[at + 4] === known.component &&
    bytes[at + 5] === known.repetition &&
    bytes[at + 6] === known.escape &&
    bytes[at + 7] === known.subcomponent &&
    (known.truncation < 0 || bytes[at + 8] === known.truncation)
  );
}

/** Printable ASCII other than letters, digits, blank and the quotation mark of `""`. */
function isDelimiter(byte: number): boolean {
  const alphanumeric =
    (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);
  return byte > 0x20 && byte < 0x7f && byte !== 0x22 && !alphanumeric;
}

function isBlank(byte: number | undefined): boolean {
  return byte === CR || byte === LF || byte === 0x20 || byte === 0x09;
}
