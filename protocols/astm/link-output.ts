import type { ProtocolFaultCode } from '../fault.ts';

/** Why a message was not sent. */
export type SendFailure =
  /** Nothing answered the ENQ, or the frame, in time. */
  | 'no-reply'
  /** The receiver answered each ENQ with NAK. */
  | 'busy'
  /** Each ENQ met one of the other side, or a frame was answered by ENQ. */
  | 'contention'
  /** A frame was not acknowledged in as many attempts as there are. */
  | 'rejected'
  /** The line ended. */
  | 'closed';

/** What the link wants done or known. The order counts: a fault of a frame stands before the reply to it. */
export type LinkOutput =
  /** Bytes to send, at once. */
  | { readonly kind: 'write'; readonly bytes: Buffer }
  /**
   * A message has come in whole. Its last frame is acknowledged by `accept`, once the message is durable, or sent again
   * after `refuse`; the sender waits `replyMs` for it. One message at a time waits.
   */
  | { readonly kind: 'message'; readonly content: Buffer }
  /** A message that ended too early or was too long: kept for somebody to look at, never taken for a message. */
  | { readonly kind: 'incomplete'; readonly code: 'astm.incomplete' | 'astm.oversize'; readonly content: Buffer }
  /** Something broke the rules of the link, which goes on. To be counted. */
  | { readonly kind: 'fault'; readonly code: ProtocolFaultCode }
  /** The other side has acknowledged every frame of the message wished for. */
  | { readonly kind: 'sent' }
  /** The message wished for was not sent. `uncertain`: its last frame went out, so that it may have arrived all the same. */
  | { readonly kind: 'failed'; readonly reason: SendFailure; readonly uncertain: boolean };
