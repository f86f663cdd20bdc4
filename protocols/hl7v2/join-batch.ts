import { ProtocolFault } from '../fault.ts';
import { asBuffer } from './bytes.ts';
import { ascii } from './charset.ts';
import { DEFAULT_DELIMITERS, findHeader, readDelimiters } from './delimiters.ts';
import { type FieldInput, type SegmentInput, writeSegment } from './input.ts';
import { timestamp } from './timestamp.ts';

export interface BatchInput {
  /** BHS-7 (and FHS-7): milliseconds since 1970, or a Date. */
  readonly now: number | Date;
  /** BHS-11 (and FHS-11). */
  readonly controlId: string;
  /** Other fields of BHS by number. */
  readonly header?: Readonly<Record<number, FieldInput>>;
  /** Other fields of FHS by number; given, even empty, it puts the batch into a file envelope. */
  readonly fileHeader?: Readonly<Record<number, FieldInput>>;
}

/**
 * Puts messages into one batch (HL7 2.5.1 §2.10.3) in the delimiters of the first, with their count in BTS-1. Their bytes
 * are not changed, except that a last segment without an end gets one.
 * @throws ProtocolFault hl7v2.no-header when one does not begin with MSH, hl7v2.bad-value, and hl7v2.unencodable: the
 * envelope has no character set of its own, so that its fields are ASCII
 */
export function joinBatch(messages: readonly Uint8Array[], input: BatchInput): Buffer {
  const delimiters = messages[0] ? delimitersOf(messages[0]) : DEFAULT_DELIMITERS;
  const stamped = { 7: timestamp(input.now), 11: input.controlId };
  const line = (segment: SegmentInput) => ascii.encode(`${writeSegment(segment, delimiters)}\r`);
  const pieces: Uint8Array[] = [line({ name: 'BHS', fields: { ...stamped, ...input.header } })];
  for (const message of messages) {
    delimitersOf(message);
    pieces.push(message);
    const last = message[message.length - 1];
    if (last !== 0x0d && last !== 0x0a) pieces.push(END);
  }
  pieces.push(line({ name: 'BTS', fields: { 1: String(messages.length) } }));
  if (input.fileHeader) {
    pieces.unshift(line({ name: 'FHS', fields: { ...stamped, ...input.fileHeader } }));
    pieces.push(line({ name: 'FTS', fields: { 1: '1' } }));
  }
  return Buffer.concat(pieces);
}

const END = Buffer.from('\r');

function delimitersOf(message: Uint8Array) {
  const bytes = asBuffer(message);
  const at = findHeader(bytes);
  if (at >= 0) return readDelimiters(bytes, at);
  throw new ProtocolFault('hl7v2.no-header', 'joining a batch: a message does not begin with MSH', 0);
}
