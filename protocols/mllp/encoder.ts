import { ProtocolFault } from '../fault.ts';
import { CARRIAGE_RETURN, END, START } from './framing.ts';

const OVERHEAD = 3;

/**
 * The content in a frame of its own (MLLP release 1, §2).
 * @throws ProtocolFault mllp.reserved-byte where the content holds 0x0B or 0x1C: a receiver would cut it there
 */
export function encodeFrame(content: Uint8Array): Buffer {
  return encodeFrames([content]);
}

/**
 * Several frames in one buffer, for one write.
 * @throws ProtocolFault mllp.reserved-byte
 */
export function encodeFrames(contents: readonly Uint8Array[]): Buffer {
  let size = 0;
  for (const content of contents) size += content.length + OVERHEAD;
  const frames = Buffer.allocUnsafe(size);
  let at = 0;
  for (const content of contents) {
    refuseReserved(content);
    frames[at] = START;
    frames.set(content, at + 1);
    at += content.length + OVERHEAD;
    frames[at - 2] = END;
    frames[at - 1] = CARRIAGE_RETURN;
  }
  return frames;
}

function refuseReserved(content: Uint8Array): void {
  const start = content.indexOf(START);
  const at = start < 0 ? content.indexOf(END) : start;
  if (at >= 0)
    throw new ProtocolFault('mllp.reserved-byte', 'framing a message: it holds a byte that MLLP reserves', at);
}
