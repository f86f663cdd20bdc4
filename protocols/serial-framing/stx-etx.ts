import { type CheckField, checkHolds, checkWidth, writeCheck } from './check.ts';
import { SerialFault } from './fault.ts';
import type { Framing } from './scanner.ts';

export const STX = 0x02;
export const ETX = 0x03;

/** Frames between two control characters, which their content cannot hold. */
export interface StxEtxFrames {
  readonly start: number;
  /** Each of these bytes ends the content: ETX, or ETX and ETB. */
  readonly ends: readonly number[];
  /** What follows the end, of fixed length and any content, such as a check and CR LF. */
  readonly trailer: number;
  /** Of the whole frame. */
  readonly maxBytes: number;
  /** In the trailer; or with `after` = `trailer` + 1 immediately before the end. */
  readonly check?: CheckField;
}

/**
 * A frame's content is what stands between start and end, without a check that stands there. A start byte inside of the
 * content begins a new frame: the old one is serial.unended.
 */
export function stxEtxFraming(frames: StxEtxFrames): Framing {
  const { start: first, ends, trailer, maxBytes, check } = frames;
  const inside = insideCheck(frames);
  return {
    maxBytes,
    measure(bytes, start, end, resume) {
      if (bytes[start] !== first) return 'serial.stray-bytes';
      for (let at = start + Math.max(1, resume); at < end; at++) {
        const byte = bytes[at]!;
        if (byte === first) return 'serial.unended';
        if (ends.includes(byte)) {
          return at - start <= inside ? 'serial.stray-bytes' : at - start + 1 + trailer;
        }
      }
      return ~(end - start);
    },
    holds: (bytes, start, end) => check === undefined || checkHolds(bytes, start, end, check),
    content: (frame) => frame.subarray(1, frame.length - trailer - 1 - inside),
  };
}

/**
 * A frame with this content, ended by the first of `ends`, the rest of the trailer CR LF where there are two bytes of it,
 * else 0. Where the content holds a control character of the framing the answer is serial.stray-bytes, where it is too
 * long serial.oversize; both without content.
 */
export function encodeStxEtx(content: Uint8Array, frames: StxEtxFrames): Buffer | SerialFault {
  const { start, ends, trailer, maxBytes, check } = frames;
  const inside = insideCheck(frames);
  const total = content.length + inside + trailer + 2;
  if (total > maxBytes) return new SerialFault('serial.oversize', Buffer.alloc(0));
  for (const byte of content) {
    if (byte === start || ends.includes(byte)) return new SerialFault('serial.stray-bytes', Buffer.alloc(0));
  }
  const frame = Buffer.alloc(total);
  frame[0] = start;
  frame.set(content, 1);
  frame[total - trailer - 1] = ends[0] ?? ETX;
  if (trailer - (check && inside === 0 ? checkWidth(check) : 0) === 2) frame.write('\r\n', total - 2, 'latin1');
  if (check) writeCheck(frame, check);
  return frame;
}

/** Bytes of a check that stands before the end. */
function insideCheck({ trailer, check }: StxEtxFrames): number {
  return check && check.after > trailer ? checkWidth(check) + check.uncovered : 0;
}
