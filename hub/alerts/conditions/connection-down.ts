import { z } from 'zod';
import type { ConnectionState } from '../../../core/component.ts';
import { defineCondition, type Found } from '../condition.ts';

/** A source that listens and has no connection is not down: nobody calls it. One that calls out and tries again is. */
export const connectionDown = defineCondition({
  type: 'connectionDown',
  summary: 'A destination’s circuit is open, or a connection is being tried again and again.',
  selects: 'destinations',
  together: 'far-end',
  severity: 'critical',
  forMs: 5 * 60_000,
  clearForMs: 60_000,
  config: z.strictObject({}),
  check: () => ({
    ofDestination: ({ circuit, connection, enabled, error }) =>
      enabled && (circuit === 'open' || isTrying(connection.state)) ? away(error?.code) : undefined,
    ofChannel: ({ source, error, state }) =>
      state === 'running' && source.state === 'retrying' ? away(error?.code) : undefined,
  }),
});

function isTrying(state: ConnectionState): boolean {
  return state === 'retrying' || state === 'connecting';
}

function away(code: string | undefined): Found {
  return code === undefined ? { text: 'the far end is away' } : { text: `the far end is away (${code})`, code };
}
