import { HubError } from '../errors.ts';
import type { EventLog } from './event-log.ts';

/** Where there is no event log: every call rejects with `event-log-failed`. `doing` begins the message. */
export function noEventLog(doing: string): EventLog {
  const absent = () => Promise.reject(new HubError('event-log-failed', 'permanent', `${doing}: there is no event log`));
  return { declare: absent, publish: absent, consume: absent, status: absent, [Symbol.asyncDispose]: async () => {} };
}
