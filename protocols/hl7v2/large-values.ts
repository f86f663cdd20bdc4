import { asBuffer } from './bytes.ts';
import { type Delimiters, findHeader, readDelimiters } from './delimiters.ts';

/** The bytes `[start, end)` of a message. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/**
 * The components that are at least `minBytes` long, in order: documents in OBX-5.5 and the like, which are kept apart
 * from the message. Their ranges hold no field, repetition or component delimiter and no segment end. Looks at a small
 * part of the bytes only when `minBytes` is large. Bytes without a readable header have no values.
 */
export function largeValues(raw: Uint8Array, minBytes: number): Range[] {
  const bytes = asBuffer(raw);
  const delimiters = delimitersOf(bytes);
  if (!delimiters) return [];
  const least = Math.max(1, minBytes);
  const ends = endingBytes(delimiters);
  const found: Range[] = [];
  // From where a value may begin, jump to where it would be long enough and look back: a delimiter on the way moves
  // the start behind itself, so that of a message without large values only every few bytes are read.
  let start = 0;
  while (start + least <= bytes.length) {
    let at = start + least - 1;
    while (at >= start && ends[bytes[at]!] === 0) at--;
    if (at < start) {
      let end = start + least;
      while (end < bytes.length && ends[bytes[end]!] === 0) end++;
      found.push({ start, end });
      at = end;
    }
    start = at + 1;
  }
  return found;
}

function endingBytes({ field, repetition, component }: Delimiters): Uint8Array {
  const ends = new Uint8Array(256);
  for (const byte of [field, repetition, component, 0x0d, 0x0a]) if (byte >= 0) ends[byte] = 1;
  return ends;
}

function delimitersOf(bytes: Buffer): Delimiters | undefined {
  const at = findHeader(bytes);
  if (at < 0) return undefined;
  try {
    return readDelimiters(bytes, at);
  } catch {
    return undefined;
  }
}
