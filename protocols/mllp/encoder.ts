import { ProtocolFault } from '../fault.ts';
import { CARRIAGE_RETURN, END, START } from './framing.ts';

const OVERHEAD = 3;
const START_TEXT = String.fromCharCode(START);
const END_TEXT = String.fromCharCode(END);

/**
 * The content in a frame of its own (MLLP release 1, §2).
 * @throws ProtocolFault mllp.reserved-byte where the content holds 0x0B or 0x1C: a receiver would cut it there
 */
export function encodeFrame(content: Uint8Array): Buffer {
  const start = content.indexOf(START);
  refuseReserved(start < 0 ? content.indexOf(END) : start);
  const frame = Buffer.allocUnsafe(content.length + OVERHEAD);
  frame[0] = START;
  frame.set(content, 1);
  frame[frame.length - 2] = END;
  frame[frame.length - 1] = CARRIAGE_RETURN;
  return frame;
}

/**
 * The same with content and frame as texts, each byte one character (ISO 8859-1): a socket writes a short text without a buffer of
 * its own.
 * @throws ProtocolFault mllp.reserved-byte
 */
export function frameText(content: string): string {
  const frame = `${START_TEXT}${content}${END_TEXT}\r`;
  const start = frame.indexOf(START_TEXT, 1);
  const end = frame.indexOf(END_TEXT, 1);
  if (start >= 0 || end <= content.length) refuseReserved((start < 0 ? end : start) - 1);
  return frame;
}

function refuseReserved(at: number): void {
  if (at >= 0)
    throw new ProtocolFault('mllp.reserved-byte', 'framing a message: it holds a byte that MLLP reserves', at);
}
