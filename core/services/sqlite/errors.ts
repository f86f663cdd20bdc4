import { describeThrown, HubError } from '../../errors.ts';

/** What a call of the store's thread threw. */
export function callError(thrown: unknown, call: string): HubError {
  if (thrown instanceof HubError) return thrown;
  // SQLite's own reason ("database or disk is full") holds no content.
  const reason = (thrown as { errstr?: unknown } | undefined)?.errstr;
  const what = typeof reason === 'string' ? reason : describeThrown(thrown);
  return new HubError('store-failed', 'transient', `store of services, ${call}: ${what}`);
}

/** Permanent: no call will be answered until the store is opened again. */
export function lostError(what: string, cause?: unknown): HubError {
  return new HubError('store-failed', 'permanent', `calling the store of services: ${what}`, { cause });
}
