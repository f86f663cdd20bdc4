/**
 * Every reason for which a codec under protocols/ refuses its input. Closed: a new reason gets a line here first,
 * and a code is never given a second meaning.
 */
export type ProtocolFaultCode =
  /** The bytes do not begin with an MSH segment (blank lines and a byte order mark aside). */
  | 'hl7v2.no-header'
  /** The bytes end before MSH-2 does, so the delimiters are not known. */
  | 'hl7v2.truncated-header'
  /** MSH-1 and MSH-2 hold delimiters that cannot be told apart from each other or from content. */
  | 'hl7v2.bad-delimiters'
  /** A path such as `PID-3[5=MR].1` is not written as paths are; `offset` is the character's position in it. */
  | 'hl7v2.bad-path'
  /** A character set was asked for by a name that is not known here. */
  | 'hl7v2.unknown-charset'
  /** A text has a character that the message's character set cannot hold. */
  | 'hl7v2.unencodable'
  /** An edit names a place that the message does not have and that cannot be made. */
  | 'hl7v2.no-target'
  /** A value or segment to be written is not shaped as its place requires. */
  | 'hl7v2.bad-value'
  /** A message that should acknowledge has no MSA segment or no acknowledgement code in it. */
  | 'hl7v2.bad-acknowledgement'
  /** A frame's end is not written as MLLP release 1 says. */
  | 'mllp.bad-end'
  /** A frame began inside another one, which therefore never ended. */
  | 'mllp.unended-frame'
  /** Bytes stand outside of any frame. */
  | 'mllp.stray-bytes'
  /** A frame is longer than the receiver allows. */
  | 'mllp.oversize'
  /** Content to be framed holds a byte that framing reserves. */
  | 'mllp.reserved-byte';

/**
 * The only thing that code under protocols/ throws. The message says what was being done and what was wrong with it,
 * never what the content was: it may be logged.
 */
export class ProtocolFault extends Error {
  override readonly name = 'ProtocolFault';
  readonly code: ProtocolFaultCode;
  /** Where in the input the fault lies: a byte offset, or for a path or a text the index of a character. */
  readonly offset: number | undefined;

  constructor(code: ProtocolFaultCode, message: string, offset?: number) {
    super(message);
    this.code = code;
    this.offset = offset;
  }
}
