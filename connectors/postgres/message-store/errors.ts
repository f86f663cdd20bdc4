import { failureOf } from '../../../clients/postgres/failure.ts';
import { HubError } from '../../../core/errors.ts';
import type { Fence } from '../../../core/store/leases.ts';

/** What the database or the way to it has thrown, as the store's error. */
export function storeError(thrown: unknown, doing: string): HubError {
  if (thrown instanceof HubError) return thrown;
  const { code, what, connection } = failureOf(thrown);
  if (code === '53100') {
    return new HubError('store-full', 'transient', `${doing}: ${what}`, { cause: thrown, scope: 'destination' });
  }
  const kind = code === '42501' ? 'permanent' : 'transient';
  const scope = connection ? 'destination' : 'message';
  return new HubError('store-failed', kind, `${doing}: ${what}`, { cause: thrown, scope });
}

export function closedError(): HubError {
  return new HubError('store-failed', 'transient', 'calling the message store: it is closed');
}

/** Raised by `begin_commit`: another opening has taken the hub's name. */
export const fencedState = 'WR001';

/** Raised by `begin_commit` where something is not as the hub took it to be: nothing of the transaction is in effect. */
export const unforeseenState = 'WR002';

/** Raised by `begin_commit` where others have taken the seqs that rows were written with: likewise. */
export const otherSeqsState = 'WR003';

export function fencedError(): HubError {
  const what = 'another hub has taken its name, and this one may not write any more';
  return new HubError('store-locked', 'permanent', `writing to the message store: ${what}`);
}

export function leaseLostError({ lease }: Fence): HubError {
  return new HubError('lease-lost', 'transient', `writing under ${lease}: another hub has taken it over`);
}
