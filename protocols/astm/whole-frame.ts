import { CR, ETB, ETX, LF, STX } from './control.ts';

interface WholeFrame {
  readonly read: {
    readonly kind: 'frame';
    readonly number: number;
    readonly text: Buffer;
    readonly last: boolean;
  };
  readonly next: number;
}

/**
 * A sound frame that begins at `start` and is all in this chunk, as nearly every one is, and where to go on: what a reader that takes
 * byte by byte would make of it, five times as fast. Undefined for anything else.
 */
export function wholeFrame(
  chunk: Buffer,
  start: number,
  { checksum, textBytes }: { readonly checksum: 'verify' | 'ignore'; readonly textBytes: number },
): WholeFrame | undefined {
  if (chunk[start] !== STX) return undefined;
  const number = chunk[start + 1]! - 0x30;
  if (!(number >= 0 && number <= 7)) return undefined;
  let sum = number + 0x30;
  let at = start + 2;
  let byte = 0;
  for (; at < chunk.length; at++) {
    byte = chunk[at]!;
    sum += byte;
    if (byte < 0x20 && byte !== CR) break;
  }
  if (byte !== ETX && byte !== ETB) return undefined;
  if (chunk[at + 3] !== CR || chunk[at + 4] !== LF || at - start - 2 > textBytes) return undefined;
  if (!isHexDigit(chunk[at + 1]!) || !isHexDigit(chunk[at + 2]!)) return undefined;
  const digits = chunk.toString('latin1', at + 1, at + 3).toUpperCase();
  if (checksum === 'verify' && digits !== hexByte(sum & 0xff)) return undefined;
  const text = Buffer.from(chunk.subarray(start + 2, at));
  return { read: { kind: 'frame', number, text, last: byte === ETX }, next: at + 5 };
}

export function hexByte(value: number): string {
  return HEX_BYTES[value]!;
}

export function isHexDigit(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66);
}

const HEX_BYTES = Array.from({ length: 256 }, (_, value) => value.toString(16).toUpperCase().padStart(2, '0'));
