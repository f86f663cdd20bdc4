import type { Delimiters } from './delimiters.ts';
import { type SegmentInput, writeSegment } from './input.ts';
import { compilePath } from './path.ts';
import { atLeast } from './version.ts';

/** One thing wrong with a message, as an ERR segment says it. */
export interface AckError {
  /** Where, as a path: `PID-3[2].1`, `OBX[4]-5`. */
  readonly location?: string;
  /** HL7 table 0357: 101 required field missing, 206 application record locked, 207 application internal error … */
  readonly code: string;
  /** HL7 table 0516: warning, information, error, fatal error. Not told before version 2.5. */
  readonly severity: 'W' | 'I' | 'E' | 'F';
  /** For the user who must act. Never patient data. */
  readonly text?: string;
  /** For those who look into it. Not told before version 2.5. */
  readonly diagnostic?: string;
}

/** HL7 table 0357. */
const CONDITIONS: Record<string, string> = {
  0: 'Message accepted',
  100: 'Segment sequence error',
  101: 'Required field missing',
  102: 'Data type error',
  103: 'Table value not found',
  104: 'Value too long',
  200: 'Unsupported message type',
  201: 'Unsupported event code',
  202: 'Unsupported processing id',
  203: 'Unsupported version id',
  204: 'Unknown key identifier',
  205: 'Duplicate key identifier',
  206: 'Application record locked',
  207: 'Application internal error',
};

/**
 * The ERR segments with their terminators, escaped but not yet encoded; empty when there is nothing to tell. Before 2.5
 * one segment repeats ERR-1 (segment, sequence, field, code); from 2.5 on there is one for each error, in ERR-2 to ERR-8.
 * A text without errors becomes error 207 from 2.5 on, when the code is negative: MSA-3 is on its way out there.
 * @throws ProtocolFault hl7v2.bad-path
 */
export function errorSegments(
  reply: { readonly code: string; readonly text?: string; readonly errors?: readonly AckError[] },
  version: string,
  delimiters: Delimiters,
): string {
  const errors = reply.errors ?? [];
  if (!atLeast(version, 2, 5)) {
    if (errors.length === 0) return '';
    return `${writeSegment({ name: 'ERR', fields: { 1: { repetitions: errors.map(oldError) } } }, delimiters)}\r`;
  }
  const negative = reply.code !== 'AA' && reply.code !== 'CA';
  const told = errors.length === 0 && negative && reply.text !== undefined ? [unnamed(reply.text)] : errors;
  return told.map((error) => `${writeSegment(newError(error), delimiters)}\r`).join('');
}

function unnamed(text: string): AckError {
  return { code: '207', severity: 'E', text };
}

function oldError(error: AckError) {
  const [segment = '', sequence = '', field = ''] = error.location === undefined ? [] : located(error.location);
  return [segment, sequence, field, [error.code, CONDITIONS[error.code] ?? '', 'HL70357']];
}

function newError(error: AckError): SegmentInput {
  return {
    name: 'ERR',
    fields: {
      2: error.location === undefined ? undefined : located(error.location),
      3: [error.code, CONDITIONS[error.code] ?? '', 'HL70357'],
      4: error.severity,
      7: error.diagnostic,
      8: error.text,
    },
  };
}

/** ERL: segment, its sequence, field, repetition, component, subcomponent, as far as the path goes. */
function located(location: string): string[] {
  const { segment, segments, field, repetitions, component, subcomponent } = compilePath(location);
  const numbers = [segments.index || 1, field, field && (repetitions.index || 1), component, subcomponent];
  return [segment, ...numbers.map((number) => (number > 0 ? String(number) : ''))];
}
