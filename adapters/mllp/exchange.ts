import { HubError } from '../../core/errors.ts';
import type { Arrival } from '../../core/message.ts';
import type { AckMode } from '../../protocols/hl7v2/ack.ts';
import { type Header, readHeader } from '../../protocols/hl7v2/header.ts';
import { type Framed, FrameFault } from '../../protocols/mllp/decoder.ts';
import type { Acknowledger } from './acknowledger.ts';
import { messageArrival } from './message-arrival.ts';
import type { Turn, Turns } from './turns.ts';

/** One message, or fault, from its arrival to its last reply. */
export interface Exchange {
  readonly arrival: Arrival;
  readonly header: Header | undefined;
  /** Nothing where no answer is ever given. */
  readonly mode: AckMode | undefined;
  /** The place of its commit accept, and that of its answer at the channel's own point. */
  readonly commit: Turn | undefined;
  readonly answer: Turn | undefined;
}

/** The two orders that a connection keeps: a message settled late must not hold back the commit accept of the next. */
export interface ReplyOrder {
  readonly commits: Turns;
  readonly answers: Turns;
}

/** A whole frame: a message, or a fault where it does not begin with a header that can be read. */
export function beginExchange(content: Framed, peer: string, acknowledger: Acknowledger, order: ReplyOrder): Exchange {
  const broken = content instanceof FrameFault;
  const raw = broken ? content.content : content;
  const header = readHeader(raw);
  const arrival =
    broken || header === undefined
      ? { raw, meta: { peer }, fault: faultOf(broken ? content : undefined) }
      : messageArrival(raw, header, peer);
  const mode = broken && !hasEnded(content) ? undefined : acknowledger.mode(header);
  if (mode === undefined) return { arrival, header, mode, commit: undefined, answer: undefined };
  const commit = acknowledger.commitsFirst(mode) ? order.commits.add() : undefined;
  const answer = acknowledger.answersLater(mode) ? order.answers.add() : undefined;
  return { arrival, header, mode, commit, answer };
}

/**
 * Whether the sender waits for an answer. To stray bytes and to a frame that another one interrupted it does not: an
 * answer would be taken for that of the next message, which often is the same one again.
 */
function hasEnded(fault: FrameFault): boolean {
  return fault.code === 'mllp.bad-end' || fault.code === 'mllp.oversize';
}

function faultOf(fault: FrameFault | undefined): HubError {
  if (!fault) return malformed('it does not begin with an MSH segment');
  switch (fault.code) {
    case 'mllp.oversize':
      return new HubError('frame-oversized', 'permanent', 'reading a frame: it is longer than maxMessageBytes');
    case 'mllp.bad-end':
      return malformed('0x1C without 0x0D after it');
    case 'mllp.unended-frame':
      return malformed('it has no end');
    case 'mllp.stray-bytes':
      return malformed('bytes outside of any');
    default:
      return fault.code satisfies never;
  }
}

function malformed(what: string): HubError {
  return new HubError('frame-malformed', 'permanent', `reading a frame: ${what}`);
}
