import type { ErrorRecord } from '../errors.ts';
import type { PartSummary } from './message-store.ts';
import type { OutcomeElsewhere, OutcomeQuestion } from './shared-store.ts';
import { standing } from './standing.ts';

/**
 * `SharedStore.outcomes` of one message that was routed, as its summary says.
 * @param replyOf what a destination answered, where that is kept
 */
export function outcomeOf(
  { error: own, parts: all }: { readonly error?: ErrorRecord; readonly parts: readonly PartSummary[] },
  { ackOn, replyFrom }: OutcomeQuestion,
  replyOf: (destination: string) => Uint8Array | undefined,
): OutcomeElsewhere {
  const asked = replyFrom === undefined ? ackOn : [replyFrom];
  const parts = asked ? all.filter(({ destination }) => asked.includes(destination)) : all;
  if (parts.some(({ status }) => status === 'queued')) return { status: 'queued' };
  const status = standing(own !== undefined, parts);
  const error = own ?? parts.find((part) => part.status === 'error')?.error;
  const reply = replyFrom === undefined ? undefined : replyOf(replyFrom);
  return {
    status: status === 'received' ? 'filtered' : status,
    ...(status === 'error' && error && { error }),
    ...(reply && { reply }),
  };
}
