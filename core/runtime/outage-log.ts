import type { Clock, Log } from '../component.ts';

export interface OutageLog {
  readonly log: Log;
  /** The store has answered just now. */
  answered(): void;
}

/** So long no call must have failed before the outage counts as over: those that waited longest fail last. */
const quietMs = 1_000;

/**
 * A log that counts calls of a message store which failed because it is away, instead of a line for each that waited: a store that
 * others share says once itself that it is away, and once that it is back. How many calls it were, and how long, is said when it answers
 * again.
 */
export function outageLog(log: Log, clock: Clock): OutageLog {
  let since: number | undefined;
  let last = 0;
  let calls = 0;
  const isOutage = ({ code, scope }: Readonly<Record<string, unknown>>) =>
    code === 'store-failed' && scope === 'destination';
  const unlessAway =
    (level: 'warn' | 'error'): Log['error'] =>
    (fields, text) => {
      if (!isOutage(fields)) return log[level](fields, text);
      last = clock.monotonic();
      since ??= last;
      calls += 1;
    };
  return {
    log: {
      debug: (fields, text) => log.debug(fields, text),
      info: (fields, text) => log.info(fields, text),
      warn: unlessAway('warn'),
      error: unlessAway('error'),
    },
    answered() {
      const now = clock.monotonic();
      if (since === undefined || now - last < quietMs) return;
      log.info({ calls, ms: Math.round(last - since) }, 'the message store answers again: calls of it had failed');
      since = undefined;
      calls = 0;
    },
  };
}
