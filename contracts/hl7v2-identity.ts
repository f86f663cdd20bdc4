import { createHash } from 'node:crypto';
import type { Header } from '../protocols/hl7v2/header.ts';

/** Without MSH-10 nothing tells a message that was sent again from a new one with the same content. */
export function isIdentified(header: Header): boolean {
  return header.bytesOf(10) !== '';
}

/** By what a receiver knows a message again: MSH-3, MSH-4 and MSH-10 as they stand. */
export function messageIdentity(header: Header): string {
  const bar = String.fromCharCode(header.delimiters.field);
  return `${header.bytesOf(3)}${bar}${header.bytesOf(4)}${bar}${header.bytesOf(10)}`;
}

/** A hash of everything but MSH-7: a message that is sent again may bear a new time. */
export function contentHash(raw: Uint8Array, header: Header): string {
  const start = fieldStart(raw, header.delimiters.field, 7);
  const hash = createHash('sha256').update(raw.subarray(0, start));
  return hash.update(raw.subarray(start + header.bytesOf(7).length)).digest('base64');
}

/** Where field `n` of MSH begins, which is the first segment: MSH-1 is the separator itself. */
function fieldStart(raw: Uint8Array, separator: number, n: number): number {
  let at = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).indexOf('MSH', 0, 'latin1') + 3;
  for (let field = 1; field < n - 1 && at >= 0; field++) at = raw.indexOf(separator, at + 1);
  return at < 0 ? raw.length : at + 1;
}
