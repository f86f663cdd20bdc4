import { type CheckField, checkHolds } from './check.ts';
import type { Framing } from './scanner.ts';

/** Frames that all have one length, known by bits that are the same in each. */
export interface FixedFrames {
  /** Of the whole frame, in bytes. */
  readonly length: number;
  /** Where the byte at index `at`, ANDed with `mask`, is not `value`, no frame begins. */
  readonly sync: readonly { readonly at: number; readonly mask: number; readonly value: number }[];
  readonly check?: CheckField;
}

/** Every index in `sync` must be less than `length`. A frame's content is the whole frame. */
export function fixedFraming({ length, sync, check }: FixedFrames): Framing {
  const marks = sync.toSorted((a, b) => a.at - b.at);
  return {
    maxBytes: length,
    measure(bytes, start, end) {
      for (let mark = 0; mark < marks.length; mark++) {
        const { at, mask, value } = marks[mark]!;
        if (start + at >= end) return ~0;
        if ((bytes[start + at]! & mask) !== value) return 'serial.stray-bytes';
      }
      return length;
    },
    holds: (bytes, start, end) => check === undefined || checkHolds(bytes, start, end, check),
    content: (frame) => frame,
  };
}
