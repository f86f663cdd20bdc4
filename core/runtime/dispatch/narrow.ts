import type { WriteOutcome } from '../../destination.ts';
import { asHubError, HubError } from '../../errors.ts';

type Write<M> = (batch: readonly M[]) => Promise<readonly WriteOutcome[] | void>;
const sent: WriteOutcome = { status: 'sent' };
const untried: WriteOutcome = { status: 'untried' };

/**
 * Writes a batch and answers with one outcome per message, whatever the destination does. A batch that throws is halved until
 * the message at fault is alone (rule 16); what shares a key with a message that failed is left untried.
 */
export async function writeNarrowing<M extends { readonly keys: readonly string[] }>(
  batch: readonly M[],
  write: Write<M>,
  name: string,
  signal: AbortSignal,
): Promise<readonly WriteOutcome[]> {
  let outcomes: readonly WriteOutcome[] | void;
  try {
    outcomes = await write(batch);
  } catch (thrown) {
    return onThrown(batch, write, name, signal, thrown);
  }
  if (outcomes === undefined) return batch.map(() => sent);
  if (outcomes.length === batch.length) return outcomes;
  const error = new HubError(
    'write-failed',
    'transient',
    `writing to ${name}: ${outcomes.length} outcomes for ${batch.length} messages`,
  );
  return batch.map(() => ({ status: 'uncertain', error }));
}

async function onThrown<M extends { readonly keys: readonly string[] }>(
  batch: readonly M[],
  write: Write<M>,
  name: string,
  signal: AbortSignal,
  thrown: unknown,
): Promise<readonly WriteOutcome[]> {
  const error = asHubError(thrown, 'write-failed', `writing to ${name}`, 'transient');
  if (signal.aborted) return batch.map(() => ({ status: 'uncertain', error }));
  if (error.scope === 'destination') return batch.map(() => ({ status: 'error', error }));
  if (batch.length === 1) return [{ status: thrown instanceof HubError ? 'error' : 'uncertain', error }];
  const middle = batch.length >> 1;
  const [left, right] = [batch.slice(0, middle), batch.slice(middle)];
  const first = await writeNarrowing(left, write, name, signal);
  if (first.some(isAway)) return [...first, ...right.map(() => untried)];
  const failedKeys = new Set(left.flatMap((message, at) => (first[at]?.status === 'sent' ? [] : message.keys)));
  const free = right.filter((message) => !message.keys.some((key) => failedKeys.has(key)));
  const second = free.length > 0 ? await writeNarrowing(free, write, name, signal) : [];
  let at = 0;
  return [...first, ...right.map((message) => (free[at] === message ? second[at++]! : untried))];
}

function isAway(outcome: WriteOutcome): boolean {
  return outcome.status === 'error' && outcome.error.scope === 'destination';
}
