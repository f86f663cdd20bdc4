import { type CheckField, checkHolds, checkWidth, writeCheck } from './check.ts';
import { SerialFault } from './fault.ts';
import type { Framing } from './scanner.ts';

/** Frames that say how long they are. */
export interface LengthPrefixedFrames {
  /** The bytes that each frame begins with. */
  readonly start: Uint8Array;
  /** Index of the length in the frame, after `start`. */
  readonly lengthAt: number;
  readonly lengthBytes: 1 | 2;
  readonly order: 'big-endian' | 'little-endian';
  /** What the length leaves out: the whole frame has so many bytes more than it says. */
  readonly adds: number;
  /** Of the whole frame. */
  readonly maxBytes: number;
  /** Ends the frame where there is one, `after` bytes before its end. */
  readonly check?: CheckField;
}

/** A frame's content is what stands between the length and the check. */
export function lengthPrefixedFraming(frames: LengthPrefixedFrames): Framing {
  const { start: mark, lengthAt, lengthBytes, order, adds, maxBytes, check } = frames;
  const header = lengthAt + lengthBytes;
  const trailer = trailerOf(check);
  return {
    maxBytes,
    measure(bytes, start, end) {
      for (let at = 0; at < mark.length; at++) {
        if (start + at >= end) return ~0;
        if (bytes[start + at] !== mark[at]) return 'serial.stray-bytes';
      }
      if (start + header > end) return ~0;
      const at = start + lengthAt;
      const said = order === 'big-endian' ? bytes.readUIntBE(at, lengthBytes) : bytes.readUIntLE(at, lengthBytes);
      const length = said + adds;
      return length < header + trailer ? 'serial.stray-bytes' : length;
    },
    holds: (bytes, start, end) => check === undefined || checkHolds(bytes, start, end, check),
    content: (frame) => frame.subarray(header, frame.length - trailer),
  };
}

/**
 * A frame with this content. Bytes between `start` and the length, and after the check, are 0. Where it would be longer
 * than `maxBytes` or than its length field can say, the answer is the fault serial.oversize, without content.
 */
export function encodeLengthPrefixed(content: Uint8Array, frames: LengthPrefixedFrames): Buffer | SerialFault {
  const { start, lengthAt, lengthBytes, order, adds, maxBytes, check } = frames;
  const header = lengthAt + lengthBytes;
  const total = header + content.length + trailerOf(check);
  const said = total - adds;
  if (total > maxBytes || said < 0 || said >= 256 ** lengthBytes) {
    return new SerialFault('serial.oversize', Buffer.alloc(0));
  }
  const frame = Buffer.alloc(total);
  frame.set(start);
  if (order === 'big-endian') frame.writeUIntBE(said, lengthAt, lengthBytes);
  else frame.writeUIntLE(said, lengthAt, lengthBytes);
  frame.set(content, header);
  if (check) writeCheck(frame, check);
  return frame;
}

function trailerOf(check: CheckField | undefined): number {
  return check ? check.uncovered + checkWidth(check) + check.after : 0;
}
