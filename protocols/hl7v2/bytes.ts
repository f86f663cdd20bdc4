/** Beyond this many bytes a native search is faster than a loop; before it, the call costs more than it saves. */
const NEAR = 128;

/** The bytes as a Buffer over the same memory; the very same object when it is one already. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The offset of the first `byte` in `bytes[from, end)`, or `end`. Looks at no byte beyond `end`. */
export function indexOfByte(bytes: Buffer, byte: number, from: number, end: number): number {
  const near = from + NEAR < end ? from + NEAR : end;
  for (let at = from; at < near; at++) if (bytes[at] === byte) return at;
  if (near >= end) return end;
  const found = bytes.subarray(near, end).indexOf(byte);
  return found < 0 ? end : near + found;
}

/**
 * The text of `bytes[start, end)`, which must be ASCII. Up to 8 bytes, `fromCharCode` takes 15 ns where the call into
 * the runtime that reads a slice takes 60; most values of a message are that short.
 */
export function asciiText(bytes: Buffer, start: number, end: number): string {
  const of = String.fromCharCode;
  const b = bytes;
  const s = start;
  switch (end - start) {
    case 0:
      return '';
    case 1:
      return of(b[s]!);
    case 2:
      return of(b[s]!, b[s + 1]!);
    case 3:
      return of(b[s]!, b[s + 1]!, b[s + 2]!);
    case 4:
      return of(b[s]!, b[s + 1]!, b[s + 2]!, b[s + 3]!);
    case 5:
      return of(b[s]!, b[s + 1]!, b[s + 2]!, b[s + 3]!, b[s + 4]!);
    case 6:
      return of(b[s]!, b[s + 1]!, b[s + 2]!, b[s + 3]!, b[s + 4]!, b[s + 5]!);
    case 7:
      return of(b[s]!, b[s + 1]!, b[s + 2]!, b[s + 3]!, b[s + 4]!, b[s + 5]!, b[s + 6]!);
    case 8:
      return of(b[s]!, b[s + 1]!, b[s + 2]!, b[s + 3]!, b[s + 4]!, b[s + 5]!, b[s + 6]!, b[s + 7]!);
    default:
      return bytes.toString('latin1', start, end);
  }
}
