import type { ErrorRecord } from '../../../core/errors.ts';
import type { Difference } from '../offline/found-difference.ts';

/** What one step made of one payload. */
export interface StepTrace {
  readonly step: string;
  /** Of a filter. */
  readonly passes?: boolean;
  readonly because?: readonly string[];
  /** Of a transform: each output, with what is other than before; `whole` where the two cannot be compared. */
  readonly outputs?: readonly { readonly differences: readonly Difference[]; readonly whole?: string }[];
  readonly error?: ErrorRecord;
}

export interface DestinationTrace {
  readonly destination: string;
  readonly type: string;
  readonly result: 'gets' | 'filtered' | 'error';
  readonly steps: readonly StepTrace[];
  /** What it would be sent. */
  readonly outputs: readonly Uint8Array[];
  readonly error?: ErrorRecord;
}

/** What becomes of one message, step by step. */
export interface Trace {
  readonly message: string;
  /** The route stage: how it was read, and the channel's filters. */
  readonly route: readonly StepTrace[];
  readonly keys: readonly string[];
  /** What ends it before any destination: filtered, or an error. */
  readonly ended?: 'filtered' | ErrorRecord;
  readonly steps: readonly StepTrace[];
  readonly destinations: readonly DestinationTrace[];
}
