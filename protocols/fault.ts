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
  /** The bytes are not UTF-8, which FHIR's JSON has to be. */
  | 'fhir.not-utf8'
  /** The text is not JSON; `offset` is the first character that cannot stand there. */
  | 'fhir.not-json'
  /** The JSON is no object with a `resourceType`. */
  | 'fhir.no-resource'
  /** R4 has no resource of this type. */
  | 'fhir.unknown-type'
  /** The entries of a bundle, or what they say, are not shaped as such. */
  | 'fhir.bad-bundle'
  /** Lists and objects stand in each other deeper than any resource needs. */
  | 'fhir.too-deep'
  /** A frame's end is not written as MLLP release 1 says. */
  | 'mllp.bad-end'
  /** A frame began inside another one, which therefore never ended. */
  | 'mllp.unended-frame'
  /** Bytes stand outside of any frame. */
  | 'mllp.stray-bytes'
  /** A frame is longer than the receiver allows. */
  | 'mllp.oversize'
  /** Content to be framed holds a byte that framing reserves. */
  | 'mllp.reserved-byte'
  /** A frame's checksum is missing or not that of its bytes. */
  | 'astm.bad-checksum'
  /** A frame's number is neither the next one nor that of the frame before it. */
  | 'astm.bad-number'
  /** A frame or a message is longer than the receiver allows. */
  | 'astm.oversize'
  /** A text holds a byte that LIS01-A2 §6.6 reserves. */
  | 'astm.reserved-byte'
  /** Bytes stand outside of any frame, or a frame came without its start. */
  | 'astm.stray-bytes'
  /** A frame never ended: another one, ENQ, EOT or silence came instead. */
  | 'astm.unended-frame'
  /** A transmission ended before its last message did. */
  | 'astm.incomplete'
  /** The link cannot do what is wished: a message is under way already, or none waits for a decision. */
  | 'astm.bad-wish'
  /** A message was decided on when its sender had given up waiting for the answer. */
  | 'astm.late-decision'
  /** The bytes do not begin with a header record. */
  | 'astm.no-header'
  /** The header declares delimiters that cannot be told apart from each other or from content. */
  | 'astm.bad-delimiters'
  /** A path such as `R[2]-3.4` is not written as paths are; `offset` is the character's position in it. */
  | 'astm.bad-path'
  /** A character set was asked for by a name that is not known here. */
  | 'astm.unknown-charset'
  /** A text has a character that neither the character set nor an escape sequence can hold. */
  | 'astm.unencodable'
  /** An edit names a record that the message does not have. */
  | 'astm.no-target'
  /** A value or record to be written is not shaped as its place requires. */
  | 'astm.bad-value';

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
