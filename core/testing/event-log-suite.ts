import { describe } from 'vitest';
import type { CreateSubject, LogClock } from './event-log-fixture.ts';
import { eventLogConsumingSuite } from './event-log-suite-consuming.ts';
import { eventLogKeepingSuite } from './event-log-suite-keeping.ts';
import { eventLogPublishingSuite } from './event-log-suite-publishing.ts';

/** What every EventLog owes its callers, as the contract in `core/events/event-log.ts` says it. */
export function eventLogSuite(name: string, createSubject: CreateSubject, clock: LogClock = 'movable'): void {
  describe(`event log: ${name}`, () => {
    eventLogPublishingSuite(createSubject);
    eventLogConsumingSuite(createSubject);
    eventLogKeepingSuite(createSubject, clock);
  });
}
