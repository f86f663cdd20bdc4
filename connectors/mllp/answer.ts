import { ProtocolFault } from '../../protocols/fault.ts';
import { type ReceivedAck, readAck } from '../../protocols/hl7v2/read-ack.ts';
import { type Framed, FrameFault } from '../../protocols/mllp/decoder.ts';

/** What came back, read as an acknowledgement; nothing where it is none. */
export function answerIn(framed: Framed): { readonly ack: ReceivedAck; readonly reply: Buffer } | undefined {
  if (framed instanceof FrameFault) return undefined;
  try {
    return { ack: readAck(framed), reply: framed };
  } catch (fault) {
    if (fault instanceof ProtocolFault) return undefined;
    throw fault;
  }
}

export function isAcknowledgement(framed: Framed): boolean {
  return answerIn(framed) !== undefined;
}
