import type { ErrorRecord } from '../errors.ts';

/** A dead letter, or a message that failed before it had parts, that nobody has closed (rule 17). Without content. */
export interface OpenError {
  readonly id: string;
  readonly seq: number;
  readonly channel: string;
  /** `''` where the message failed as a whole. */
  readonly destination: string;
  readonly n: number;
  readonly type?: string;
  readonly receivedAt: number;
  readonly attempts: number;
  readonly error: ErrorRecord;
  /** Those of its keys whose first queued part is blocked and comes after it (`afterDeadLetter: hold-key`). */
  readonly holds: readonly string[];
}

export interface OpenErrorQuery {
  readonly channel?: string;
  readonly destination?: string;
  readonly limit: number;
  /** That of the page before. */
  readonly cursor?: string;
}

/** Of one channel and destination after the other, each in order. A page may be short and still have a cursor. */
export interface OpenErrorPage {
  readonly errors: readonly OpenError[];
  readonly cursor?: string;
}
