import { ProtocolFault } from '../fault.ts';
import { CR, ETB, ETX, isRestricted, LF, STX } from './control.ts';

/** Bytes of a frame besides its text: STX, number, ETB or ETX, two checksum digits, CR, LF (LIS01-A2 §6.3.1). */
export const FRAME_OVERHEAD = 7;
/** Bytes of text in a frame as E1381-95 §6.3.1 limits it, and as every analyzer takes it. */
export const E1381_TEXT_BYTES = 240;
/** Bytes of text in a frame as LIS01-A2 §6.3.1 limits it: 64,000 with the overhead. */
export const LIS01_TEXT_BYTES = 64_000 - FRAME_OVERHEAD;

/**
 * How a message is laid into frames: each record begins a frame of its own and only a long one is cut (`record`, what
 * E1381 describes and older analyzers need), or the message is one text that is cut where a frame is full (`message`).
 */
export type Packing = 'record' | 'message';

/** A piece of a message that one frame carries; `last` when ETX ends it, not ETB. */
export interface FrameSpan {
  readonly start: number;
  readonly end: number;
  readonly last: boolean;
}

/** The sum of `bytes` modulo 256: over number, text and ETB or ETX it is a frame's checksum (LIS01-A2 §6.3.3). */
export function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (const byte of bytes) sum += byte;
  return sum & 0xff;
}

/**
 * One frame, ready to send (LIS01-A2 §6.3.1).
 * @param number of the frame; what is sent is its remainder by 8
 * @param last whether ETX ends it, not ETB
 */
export function encodeFrame(number: number, text: Uint8Array, last: boolean): Buffer {
  const frame = Buffer.allocUnsafe(text.length + FRAME_OVERHEAD);
  frame[0] = STX;
  frame[1] = 0x30 + (number & 7);
  frame.set(text, 2);
  const end = text.length + 2;
  frame[end] = last ? ETX : ETB;
  const sum = checksum(frame.subarray(1, end + 1));
  frame[end + 1] = HEX.charCodeAt(sum >> 4);
  frame[end + 2] = HEX.charCodeAt(sum & 0xf);
  frame[end + 3] = CR;
  frame[end + 4] = LF;
  return frame;
}

const HEX = '0123456789ABCDEF';

/**
 * Where a message is cut into frames.
 * @param content records, each ended by CR
 * @param textBytes the most text that a frame carries
 * @throws ProtocolFault astm.reserved-byte where the content holds a byte that the link reserves (LIS01-A2 §6.6)
 */
export function cutIntoFrames(content: Uint8Array, textBytes: number, packing: Packing): FrameSpan[] {
  const restricted = content.findIndex(isRestricted);
  if (restricted >= 0) {
    throw new ProtocolFault(
      'astm.reserved-byte',
      'framing a message: it holds a byte that LIS01-A2 reserves',
      restricted,
    );
  }
  const spans: FrameSpan[] = [];
  let start = 0;
  while (start < content.length) {
    const end = packing === 'record' ? recordEnd(content, start) : content.length;
    for (; end - start > textBytes; start += textBytes) spans.push({ start, end: start + textBytes, last: false });
    spans.push({ start, end, last: true });
    start = end;
  }
  return spans;
}

/** After the CR that ends the record; blank lines go with the record before them. */
function recordEnd(content: Uint8Array, start: number): number {
  let end = content.indexOf(CR, start);
  if (end < 0) return content.length;
  while (content[end] === CR) end++;
  return end;
}
