import { indexOfByte } from './bytes.ts';

/** The name and the separator after it: what stands before a segment's first field. */
const NAME_LENGTH = 4;

/**
 * A stretch `[start, end)` of a message's bytes, narrowed step by step from a segment to the value wanted. One object is
 * narrowed again and again, so that reading a value allocates nothing but the value.
 */
export class Span {
  start = 0;
  end = 0;

  set(start: number, end: number): void {
    this.start = start;
    this.end = end;
  }

  /** Narrows from the segment `[start, end)` to its field `n` (from 1); false, and nothing of use, when it ends before. */
  field(bytes: Buffer, separator: number, start: number, end: number, n: number): boolean {
    this.start = start + NAME_LENGTH;
    this.end = end;
    return this.start <= end && this.part(bytes, separator, n);
  }

  /** Narrows to part `n` (from 1) of what `separator` divides; false when there are fewer. -1 divides nothing. */
  part(bytes: Buffer, separator: number, n: number): boolean {
    if (separator < 0) return n === 1;
    const { end } = this;
    let { start } = this;
    for (let left = n; left > 1; left--) {
      start = indexOfByte(bytes, separator, start, end) + 1;
      if (start > end) return false;
    }
    this.start = start;
    this.end = indexOfByte(bytes, separator, start, end);
    return true;
  }
}

/** How many parts `separator` makes of `bytes[start, end)`: one more than it occurs. */
export function countParts(bytes: Buffer, separator: number, start: number, end: number): number {
  if (separator < 0) return 1;
  let count = 1;
  for (let at = indexOfByte(bytes, separator, start, end); at < end; at = indexOfByte(bytes, separator, at + 1, end)) {
    count++;
  }
  return count;
}
