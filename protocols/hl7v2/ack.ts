import { type AckError, errorSegments } from './ack-error.ts';
import { DEFAULT_DELIMITERS } from './delimiters.ts';
import { escapeText } from './escape.ts';
import { Header, readHeader } from './header.ts';
import { timestamp } from './timestamp.ts';
import { atLeast } from './version.ts';

/** HL7 table 0008: the application's answer (original and enhanced mode), and the commit accept (enhanced mode only). */
export type AckCode = 'AA' | 'AE' | 'AR' | 'CA' | 'CE' | 'CR';

export interface AckInput {
  readonly code: AckCode;
  /** The acknowledgement's own MSH-10. */
  readonly controlId: string;
  /** Milliseconds since 1970, or a Date: MSH-7. */
  readonly now: number | Date;
  /** For people: MSA-3 up to version 2.6, and where something went wrong ERR-8 from version 2.5 on. */
  readonly text?: string;
  readonly errors?: readonly AckError[];
  /** MSH-3 and MSH-4 of the acknowledgement, instead of the request's MSH-5 and MSH-6. */
  readonly application?: string | undefined;
  readonly facility?: string | undefined;
}

/**
 * Writes the acknowledgement of a message: its sender and receiver swapped, in its delimiters, character set and version,
 * MSH-10 echoed in MSA-2 byte for byte (HL7 2.5.1 §2.9). Where the header cannot be read, MSA-2 stays empty and the rest
 * is as HL7 recommends. Characters that the character set does not have become `?`.
 * @param request the message, its header, or undefined when there is none to be read
 * @throws ProtocolFault hl7v2.bad-path for the location of an error
 */
export function acknowledge(request: Header | Uint8Array | undefined, input: AckInput): Buffer {
  return Buffer.from(acknowledgement(request instanceof Uint8Array ? readHeader(request) : request, input), 'latin1');
}

/**
 * As `acknowledge`, each byte one character (ISO 8859-1).
 * @throws ProtocolFault hl7v2.bad-path
 */
export function acknowledgement(request: Header | undefined, input: AckInput): string {
  const header = request ?? UNREADABLE;
  const { delimiters } = header;
  const bar = String.fromCharCode(delimiters.field);
  const version = header.version || '2.5';
  const charset = header.bytesOf(18);
  const text = input.text ?? input.errors?.find((error) => error.text !== undefined)?.text;
  const written = (value: string) => bytesText(escapeText(value, delimiters), header);
  const ack =
    `MSH${bar}${header.bytesOf(2)}${bar}` +
    `${input.application === undefined ? header.bytesOf(5) : written(input.application)}${bar}` +
    `${input.facility === undefined ? header.bytesOf(6) : written(input.facility)}${bar}` +
    `${header.bytesOfTwo(3)}${bar}${timestamp(input.now)}${bar}${bar}` +
    `${messageType(header, version)}${bar}${written(input.controlId)}${bar}` +
    `${header.bytesOf(11) || 'P'}${bar}${header.bytesOf(12) || '2.5'}` +
    `${charset && bar.repeat(6) + charset}\r` +
    `MSA${bar}${input.code}${bar}${header.bytesOf(10)}` +
    `${text !== undefined && !atLeast(version, 2, 7) ? bar + written(text) : ''}\r`;
  const errors = errorSegments(input, version, delimiters);
  return errors === '' ? ack : ack + bytesText(errors, header);
}

/** How a message wants to be answered (HL7 2.5.1 §2.9.2 and §2.9.3, table 0155). */
export type AckMode =
  | { readonly mode: 'original' }
  | { readonly mode: 'enhanced'; readonly accept: AckCondition; readonly application: AckCondition };

/** Always, never, on error or reject only, on success only. */
export type AckCondition = 'AL' | 'NE' | 'ER' | 'SU';

/**
 * Original mode when MSH-15 and MSH-16 are both empty, else enhanced, where an empty one means never. A word that table
 * 0155 does not have means always: an answer too many is passed over, one too few stops the sender.
 */
export function ackMode(header: Header): AckMode {
  const accept = header.acceptAckType.trim();
  const application = header.applicationAckType.trim();
  if (accept === '' && application === '') return ORIGINAL;
  return { mode: 'enhanced', accept: condition(accept), application: condition(application) };
}

/** Whether an answer with this code is to be sent under the condition. */
export function isWanted(condition: AckCondition, code: AckCode): boolean {
  const positive = code === 'AA' || code === 'CA';
  switch (condition) {
    case 'AL':
      return true;
    case 'NE':
      return false;
    case 'ER':
      return !positive;
    case 'SU':
      return positive;
    default:
      return condition satisfies never;
  }
}

const ORIGINAL: AckMode = { mode: 'original' };
const UNREADABLE = new Header('MSH|^~\\&|', DEFAULT_DELIMITERS);

function condition(text: string): AckCondition {
  if (text === '') return 'NE';
  return text === 'NE' || text === 'ER' || text === 'SU' ? text : 'AL';
}

/** `ACK`, since 2.2 with the trigger event, since 2.3.1 with the structure too. */
function messageType(header: Header, version: string): string {
  const event = header.componentBytesOf(9, 2);
  if (event === '' || !atLeast(version, 2, 2)) return 'ACK';
  const hat = String.fromCharCode(header.delimiters.component);
  return atLeast(version, 2, 3, 1) ? `ACK${hat}${event}${hat}ACK` : `ACK${hat}${event}`;
}

/** Text as the bytes of the header's character set, each one character. */
function bytesText(text: string, header: Header): string {
  for (let at = 0; at < text.length; at++) {
    if (text.charCodeAt(at) >= 0x80) return header.charset.encode(text, '?').toString('latin1');
  }
  return text;
}
