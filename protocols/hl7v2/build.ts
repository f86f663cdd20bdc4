import { ProtocolFault } from '../fault.ts';
import { charsetNamed, utf8 } from './charset.ts';
import { DEFAULT_DELIMITERS, type Delimiters } from './delimiters.ts';
import { type FieldInput, type SegmentInput, writeSegment } from './input.ts';
import { type Hl7Message, parse } from './message.ts';
import { timestamp } from './timestamp.ts';

/** A message to write. */
export interface MessageInput {
  /** MSH-9: `['ADT', 'A01', 'ADT_A01']`. */
  readonly type: readonly [code: string, event?: string, structure?: string];
  /** MSH-10. */
  readonly controlId: string;
  /** MSH-7: milliseconds since 1970, or a Date. */
  readonly now: number | Date;
  /** The zone that MSH-7 is written in, minutes east of UTC; default 0. */
  readonly offsetMinutes?: number;
  /** MSH-12, default 2.5.1. */
  readonly version?: string;
  /** MSH-11, default P. */
  readonly processingId?: string;
  /** MSH-18, and what the message is encoded in; default UTF-8, said as `UNICODE UTF-8`. */
  readonly charset?: string;
  /** MSH-3 to MSH-6. */
  readonly sendingApplication?: FieldInput;
  readonly sendingFacility?: FieldInput;
  readonly receivingApplication?: FieldInput;
  readonly receivingFacility?: FieldInput;
  /** Other fields of MSH by number; they win over those above. */
  readonly header?: Readonly<Record<number, FieldInput>>;
  readonly segments: readonly SegmentInput[];
  readonly delimiters?: Delimiters;
}

/**
 * Builds a message, its segments ended by CR.
 * @throws ProtocolFault hl7v2.bad-value, hl7v2.unencodable, hl7v2.unknown-charset
 */
export function build(input: MessageInput): Hl7Message {
  const delimiters = input.delimiters ?? DEFAULT_DELIMITERS;
  const named = input.charset ?? 'UNICODE UTF-8';
  const charset = input.charset === undefined ? utf8 : charsetNamed(named);
  if (!charset) throw new ProtocolFault('hl7v2.unknown-charset', 'building a message: the character set is not known');
  const header: SegmentInput = {
    name: 'MSH',
    fields: {
      3: input.sendingApplication,
      4: input.sendingFacility,
      5: input.receivingApplication,
      6: input.receivingFacility,
      7: timestamp(input.now, input.offsetMinutes),
      9: input.type,
      10: input.controlId,
      11: input.processingId ?? 'P',
      12: input.version ?? '2.5.1',
      18: named,
      ...input.header,
    },
  };
  const text = [header, ...input.segments].map((segment) => `${writeSegment(segment, delimiters)}\r`).join('');
  return parse(charset.encode(text));
}
