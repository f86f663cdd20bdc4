import { describeThrown, HubError } from '../../errors.ts';

/** What a call of the event log's threads threw, as publishers and consumers see it. */
export function callError(thrown: unknown, call: string): HubError {
  const scope = 'destination';
  if (thrown instanceof HubError) return new HubError(thrown.code, thrown.kind, thrown.message, { scope });
  // SQLite's own reason ("database or disk is full") holds no content.
  const reason = (thrown as { errstr?: unknown } | undefined)?.errstr;
  const what = typeof reason === 'string' ? reason : describeThrown(thrown);
  return new HubError('event-log-failed', 'transient', `event log, ${call}: ${what}`, { scope });
}

/** Permanent: no call will be answered until the log is opened again. */
export function lostError(what: string, cause?: unknown): HubError {
  return new HubError('event-log-failed', 'permanent', `calling the event log: ${what}`, {
    cause,
    scope: 'destination',
  });
}
