import type { ErrorRecord } from './errors.ts';
import type { Finding } from './finding.ts';

/**
 * `stored`: durable, not processed yet. `transformed`: every step ran. `settled`: every destination is done with it.
 * The first is the commit accept of HL7 (CA/CE/CR), the last the application acknowledgement (AA/AE/AR).
 */
export type AckPoint = 'stored' | 'transformed' | 'settled';

export type Outcome =
  | { readonly status: 'stored' | 'sent' | 'filtered' | 'queued' | 'draining' }
  | { readonly status: 'error'; readonly error: ErrorRecord };

/** How one arrival fared at one acknowledgement point. */
export interface Receipt {
  /** None: nothing was stored. */
  readonly id?: string;
  /** Set where this arrival is a duplicate: the id of the message it repeats. */
  readonly duplicateOf?: string;
  readonly outcome: Outcome;
  /** What is wrong with the message, where that is why it was refused. */
  readonly findings?: readonly Finding[];
  /** The bytes to answer with where the channel has `replyFrom`; negative answers come as they were received. */
  readonly reply?: Uint8Array;
}

const rank: Record<Outcome['status'], number> = { filtered: 0, stored: 1, sent: 2, queued: 3, draining: 4, error: 5 };

/** The worse of two outcomes: error, draining, queued, sent, stored, filtered. */
export function worseOf(a: Outcome, b: Outcome): Outcome {
  return rank[a.status] >= rank[b.status] ? a : b;
}
