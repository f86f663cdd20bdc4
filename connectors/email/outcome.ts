import type { WriteOutcome } from '../../core/destination.ts';
import { HubError } from '../../core/errors.ts';
import type { Sending } from './smtp-session.ts';

/** What nodemailer tells of a refusal: the server's code, and what it answered. */
interface Refusal {
  readonly responseCode?: number;
  readonly command?: string;
  readonly code?: string;
}

/** 421: the server is closing (RFC 5321 §3.8); 452: it is full, unless it is said of one recipient (§4.2.3). */
const closing = 421;
const full = 452;

/**
 * What an answer means (RFC 5321 §4.2.1): 4xx is worth another try, 5xx of a recipient or of the mail is the message's own
 * fault. What says that the server lets nobody in, has no room or goes away is the destination's.
 */
export function outcomeOf(sending: Sending): WriteOutcome {
  if (sending.answer === 'taken') return sending.refused.length === 0 ? { status: 'sent' } : partly(sending);
  const { error, begun } = sending;
  if (error instanceof HubError) return { status: begun ? 'uncertain' : 'error', error };
  const { responseCode, command, code } = error as Refusal;
  if (responseCode === undefined) {
    if (code === 'EMESSAGE') return failed('permanent', 'message', 'it is longer than the server takes', error);
    const lost = new HubError('connection-lost', 'transient', 'sending a mail: the connection broke', {
      scope: 'destination',
      cause: error,
    });
    return { status: begun ? 'uncertain' : 'error', error: lost };
  }
  const what = `the server says ${responseCode} to ${command ?? 'it'}`;
  const ofRecipient = command === 'RCPT TO';
  if (responseCode === closing || (responseCode === full && !ofRecipient))
    return failed('transient', 'destination', what, error);
  // Of MAIL FROM, 552 is about the size of the mail (RFC 1870 §6.1); all else would be said of every mail.
  if (command === 'MAIL FROM' && responseCode !== 552) return failed('transient', 'destination', what, error);
  return failed(responseCode >= 500 ? 'permanent' : 'transient', 'message', what, error);
}

/** Some have got it and some have not: that is no success, and nobody would notice. A retry has the same Message-ID for all. */
function partly({ refused, accepted }: Sending & { readonly answer: 'taken' }): WriteOutcome {
  const codes = refused.map((each) => (each as Refusal).responseCode ?? 0);
  const what = `${refused.length} of ${refused.length + accepted} recipients are refused with ${codes.join(', ')}, the others have got it`;
  return failed(
    codes.some((code) => code >= 400 && code < 500) ? 'transient' : 'permanent',
    'message',
    what,
    refused[0],
  );
}

function failed(
  kind: 'transient' | 'permanent',
  scope: 'message' | 'destination',
  what: string,
  cause: unknown,
): WriteOutcome {
  return { status: 'error', error: new HubError('reply-negative', kind, `sending a mail: ${what}`, { scope, cause }) };
}
