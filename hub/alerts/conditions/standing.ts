import { z } from 'zod';
import { defineCondition } from '../condition.ts';

export const destinationStopped = defineCondition({
  type: 'destinationStopped',
  summary: 'A destination has stopped by itself, after a dead letter or with too many keys held back.',
  selects: 'destinations',
  together: 'rule',
  severity: 'critical',
  forMs: 0,
  clearForMs: 0,
  config: z.strictObject({}),
  check: () => ({
    ofDestination: ({ enabled, error, circuit, queued }, { state }) => {
      if (enabled || state === 'stopped') return undefined;
      const text = `it has stopped by itself${error ? ` (${error.code})` : ''}; ${queued} messages are queued`;
      // Why it stopped is not kept over a restart, and somebody may have stopped one whose circuit was open.
      return error && circuit === 'closed' ? { text, code: error.code } : { text, certain: false };
    },
  }),
});

export const channelFailed = defineCondition({
  type: 'channelFailed',
  summary: 'A channel has failed and waits for somebody.',
  selects: 'channels',
  together: 'rule',
  severity: 'critical',
  forMs: 0,
  clearForMs: 0,
  config: z.strictObject({}),
  check: () => ({
    ofChannel: ({ state, error }) =>
      state !== 'failed'
        ? undefined
        : error
          ? { text: `the channel has failed (${error.code})`, code: error.code }
          : { text: 'the channel has failed' },
  }),
});
