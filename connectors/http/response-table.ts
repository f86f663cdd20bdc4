import type { WriteOutcome } from '../../core/destination.ts';
import { HubError } from '../../core/errors.ts';
import type { Answer } from './client.ts';
import type { HttpDestinationConfig, ResponseAction } from './config.ts';

type Table = HttpDestinationConfig['response'];

/**
 * What is said of one status goes before what is said of its class. The far end as a whole is away, or does not know us, where a
 * gateway, a limit, a login or a redirection answers: that costs no message an attempt (rule 15).
 */
const defaults: Table = {
  '2xx': 'sent',
  '3xx': 'wait',
  '4xx': 'dead-letter',
  '5xx': 'retry',
  '401': 'wait',
  '403': 'wait',
  '407': 'wait',
  '408': 'retry',
  '425': 'retry',
  '429': 'wait',
  '502': 'wait',
  '503': 'wait',
  '504': 'wait',
};

/** What becomes of a message that got this answer. */
export function outcomeOf({ status, body }: Answer, table: Table): WriteOutcome {
  const code = String(status);
  const kind = `${code[0]}xx`;
  const action = table[code] ?? defaults[code] ?? table[kind] ?? defaults[kind] ?? 'retry';
  const reply = body.length > 0 ? { reply: body } : {};
  if (action === 'sent') return { status: 'sent', ...reply };
  const message = `sending the message: the far end answered ${code}`;
  return { status: 'error', error: refusal('reply-negative', action, message), ...reply };
}

/** What becomes of a message to which nothing came back in time. */
export function outcomeOfSilence(waitedMs: number, table: Table): WriteOutcome {
  const action = table.none ?? 'retry';
  if (action === 'sent') return { status: 'sent' };
  const error = refusal('reply-timeout', action, `awaiting the answer: none within ${waitedMs} ms`);
  return { status: action === 'retry' ? 'uncertain' : 'error', error };
}

function refusal(code: 'reply-negative' | 'reply-timeout', action: Exclude<ResponseAction, 'sent'>, message: string) {
  return new HubError(code, action === 'dead-letter' ? 'permanent' : 'transient', message, {
    scope: action === 'wait' ? 'destination' : 'message',
  });
}
