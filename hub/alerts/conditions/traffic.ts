import { z } from 'zod';
import { defineCondition } from '../condition.ts';
import { duration, spanText } from '../duration.ts';

const hourMs = 3_600_000;

/** Learned from the weeks before; what is said under `expect` goes before it. */
export const unusualSilence = defineCondition({
  type: 'unusualSilence',
  summary: 'A channel has received nothing for an hour in which it usually receives plenty.',
  selects: 'channels',
  together: 'rule',
  severity: 'warning',
  forMs: 0,
  clearForMs: 0,
  config: z.strictObject({
    usual: z
      .int()
      .positive()
      .default(20)
      .describe('Messages that this hour of the week usually brings, from which none is unusual.'),
    weeks: z.int().min(1).max(5).default(3).describe('Weeks that have to be known before anything is said.'),
  }),
  check: ({ usual: wanted, weeks }) => ({
    ofChannel: ({ channel, state }, view) => {
      const hour = view.lastHour(channel, weeks);
      const last = view.lastReceivedAt(channel);
      const since = last === undefined ? 'nothing was received yet' : `nothing for ${spanText(view.now - last)}`;
      if (!hour || hour.received > 0 || state === 'stopped' || state === 'paused') return undefined;
      const text = `${since}; usually ${Math.round(hour.usual)} messages an hour at this time`;
      // Silence that has been told goes on into the quiet hours, and over a restart.
      return { text, certain: hour.usual >= wanted && view.now - view.watchingSince >= hourMs };
    },
  }),
});

export const testMessagesRefused = defineCondition({
  type: 'testMessagesRefused',
  summary: 'Test messages came to a channel that takes real ones only.',
  selects: 'channels',
  together: 'rule',
  severity: 'warning',
  forMs: 0,
  clearForMs: 0,
  config: z.strictObject({
    counter: z
      .string()
      .default('processing_refused_total')
      .describe('Counter of the channel that counts them, as `weir_component_total` names it.'),
    atLeast: z.int().positive().default(1).describe('How many it takes.'),
    withinMs: duration()
      .refine((ms) => ms >= 60_000 && ms <= 2 * 3_600_000, 'between 1min and 2h')
      .default(3_600_000)
      .describe('Time over which they are counted, from 1min to 2h.'),
  }),
  check: ({ counter, atLeast, withinMs }) => ({
    ofChannel: ({ channel }, view) => {
      const refused = view.rise(channel, counter, withinMs);
      const messages = refused === 1 ? 'message was' : 'messages were';
      return refused < atLeast
        ? undefined
        : { text: `${refused} test ${messages} refused within ${spanText(withinMs)}` };
    },
  }),
});
