import type { WriteOutcome } from '../../core/destination.ts';
import { HubError } from '../../core/errors.ts';
import type { Answer } from './client.ts';
import { retryAfter } from './retry-after.ts';

export const responseActions = ['sent', 'retry', 'wait', 'dead-letter'] as const;
export type ResponseAction = (typeof responseActions)[number];

/** What an answer means, by its status (`409`), its class (`4xx`), or `none` where nothing came back. */
export type StatusTable = Readonly<Record<string, ResponseAction | undefined>>;

/**
 * What is said of one status goes before what is said of its class. The far end as a whole is away, or does not know us, where a
 * gateway, a limit, a login or a redirection answers: that costs no message an attempt (rule 15).
 */
export const statusDefaults: StatusTable = {
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

export function actionOfStatus(status: number, table: StatusTable, defaults: StatusTable): ResponseAction {
  const code = String(status);
  const kind = `${code[0]}xx`;
  return table[code] ?? defaults[code] ?? table[kind] ?? defaults[kind] ?? 'retry';
}

/** What becomes of a message to which nothing came back in time. */
export function outcomeOfSilence(waitedMs: number, table: StatusTable): WriteOutcome {
  const action = table.none ?? 'retry';
  if (action === 'sent') return { status: 'sent' };
  const error = refusal('reply-timeout', action, `awaiting the answer: none within ${waitedMs} ms`);
  return { status: action === 'retry' ? 'uncertain' : 'error', error };
}

export function refusal(
  code: 'reply-negative' | 'reply-timeout',
  action: Exclude<ResponseAction, 'sent'>,
  message: string,
): HubError {
  return new HubError(code, action === 'dead-letter' ? 'permanent' : 'transient', message, {
    scope: action === 'wait' ? 'destination' : 'message',
  });
}

/** The outcome, with what the answer says of when to come again. */
export function obeying(
  outcome: WriteOutcome,
  { headers }: Answer,
  maxRetryAfterMs: number,
  now: number,
): WriteOutcome {
  if (outcome.status !== 'error' || outcome.error.kind === 'permanent') return outcome;
  const retryAfterMs = Math.min(retryAfter(headers, now), maxRetryAfterMs);
  return retryAfterMs > 0 ? { ...outcome, retryAfterMs } : outcome;
}
