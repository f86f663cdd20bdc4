import { HubError } from '../core/errors.ts';
import type { Format } from '../core/format.ts';
import { ProtocolFault } from '../protocols/fault.ts';
import { charsetNamed } from '../protocols/hl7v2/charset.ts';

/** One line of a file of records: a row of delimited text, or a fixed-width record. */
export interface FlatRecord {
  /** `row` in delimited text, which has one kind only. */
  readonly type: string;
  /** By column name; what is not there is empty. */
  readonly fields: Readonly<Record<string, string>>;
}

/** Delimited or fixed-width text, read. */
export interface RecordFile {
  readonly records: readonly FlatRecord[];
}

/** A format of records says which columns each type has. */
export interface RecordFormat extends Format<RecordFile> {
  readonly recordTypes: ReadonlyMap<string, readonly string[]>;
}

/** A label of the WHATWG Encoding standard that this platform can decode. */
export function isCharset(label: string): boolean {
  try {
    return new TextDecoder(label).encoding !== '';
  } catch {
    return false;
  }
}

/** @param id of the format, for the error */
export function decodedText(raw: Uint8Array, charset: string, id: string): string {
  // Ours first: the platform's ISO 8859-1 is windows-1252, which could not be written back.
  const known = charsetNamed(charset);
  const text = known
    ? known.decodeValid(Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength))
    : decoded(raw, charset);
  if (text !== undefined) return text;
  throw new HubError('decode-failed', 'permanent', `decoding ${id}: its bytes are not ${charset}`);
}

function decoded(raw: Uint8Array, charset: string): string | undefined {
  try {
    return new TextDecoder(charset, { fatal: true, ignoreBOM: true }).decode(raw);
  } catch {
    return undefined;
  }
}

/** UTF-8, ASCII, and the single-byte sets of ISO 8859 and Windows can be written. */
export function encodedText(text: string, charset: string, id: string): Uint8Array {
  const known = charsetNamed(charset);
  if (!known) throw new HubError('encode-failed', 'permanent', `encoding ${id}: ${charset} can only be read`);
  try {
    return known.encode(text);
  } catch (fault) {
    if (!(fault instanceof ProtocolFault)) throw fault;
    throw new HubError('encode-failed', 'permanent', `encoding ${id}: ${fault.message}`, { cause: fault });
  }
}
