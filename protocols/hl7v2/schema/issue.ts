import type { AckError } from '../ack-error.ts';

/** What may be wrong with a message. Closed: a new one gets a line here, its severity and its condition below. */
export type IssueCode =
  /** MSH-12 names no version that there are definitions for; the nearest was used. */
  | 'unknown-version'
  /** The version has no structure for MSH-9, so that segments were not looked at in their order. */
  | 'unknown-structure'
  /** The version has no such segment, or the line is none. */
  | 'unknown-segment'
  /** The version has the segment, the message structure has no place for it. */
  | 'unexpected-segment'
  | 'misplaced-segment'
  | 'repeated-segment'
  | 'missing-segment'
  | 'missing-field'
  /** More repetitions than allowed. */
  | 'repeated-field'
  /** Beyond the last field that the segment has. */
  | 'extra-field'
  /** Beyond the last component, or subcomponent, that the type has. */
  | 'extra-component'
  | 'withdrawn-field'
  | 'too-long'
  /** Not written as the data type is: no number, no such day. */
  | 'bad-value'
  | 'not-in-table';

export type Severity = 'error' | 'warning';

export interface Issue {
  readonly severity: Severity;
  readonly code: IssueCode;
  /**
   * Where, as paths are written, segments counted among those of their name: `PID[1]-3[2].4`. Of a missing segment its name
   * alone; empty for what has no name.
   */
  readonly path: string;
  /** The number of the segment in the message, from 0; of a missing one that of the segment its group begins with. */
  readonly segment: number;
  /** What is wrong, in the words of the standard; nothing of the message's content. */
  readonly message: string;
}

/** Table 0357, the conditions of an acknowledgement's ERR-3. */
const CONDITIONS: Record<IssueCode, string> = {
  'unknown-version': '203',
  'unknown-structure': '200',
  'unknown-segment': '100',
  'unexpected-segment': '100',
  'misplaced-segment': '100',
  'repeated-segment': '100',
  'missing-segment': '100',
  'missing-field': '101',
  'repeated-field': '102',
  'extra-field': '102',
  'extra-component': '102',
  'withdrawn-field': '102',
  'too-long': '104',
  'bad-value': '102',
  'not-in-table': '103',
};

export const ISSUE_CODES = Object.keys(CONDITIONS) as readonly IssueCode[];

/** An issue as an acknowledgement tells it, in ERR. */
export function ackErrorOf({ severity, code, path, message }: Issue): AckError {
  return {
    ...(path === '' ? {} : { location: path }),
    code: CONDITIONS[code],
    severity: severity === 'error' ? 'E' : 'W',
    text: message,
  };
}
