import { acknowledgementIn } from '../../contracts/hl7v2-response.ts';
import type { ReceivedAck } from '../../protocols/hl7v2/read-ack.ts';
import { type Framed, FrameFault } from '../../protocols/mllp/decoder.ts';

/** What came back, read as an acknowledgement; nothing where it is none. */
export function answerIn(framed: Framed): { readonly ack: ReceivedAck; readonly reply: Buffer } | undefined {
  if (framed instanceof FrameFault) return undefined;
  const ack = acknowledgementIn(framed);
  return ack && { ack, reply: framed };
}

export function isAcknowledgement(framed: Framed): boolean {
  return answerIn(framed) !== undefined;
}
