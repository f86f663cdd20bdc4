import type { WriteOutcome } from '../../core/destination.ts';
import { HubError } from '../../core/errors.ts';
import type { MllpDestinationConfig } from './config.ts';

/** What becomes of a message that got no answer: nobody knows whether it arrived (rule 19). */
export function outcomeOfSilence(why: string, { none = 'retry' }: MllpDestinationConfig['response']): WriteOutcome {
  if (none === 'accept') return { status: 'sent' };
  if (none === 'retry') return { status: 'uncertain', error: new HubError('reply-timeout', 'transient', why) };
  return { status: 'error', error: new HubError('reply-timeout', 'permanent', why) };
}
