import { z } from 'zod';
import { defineCondition } from '../condition.ts';
import { duration, spanText } from '../duration.ts';

export const errorRate = defineCondition({
  type: 'errorRate',
  summary: 'Too large a share of what a channel delivers ends as an error.',
  selects: 'channels',
  together: 'rule',
  severity: 'warning',
  forMs: 0,
  clearForMs: 5 * 60_000,
  config: z.strictObject({
    abovePercent: z.number().min(0).max(100).default(5).describe('Share of errors that is put up with, in per cent.'),
    withinMs: duration()
      .refine((ms) => ms >= 60_000 && ms <= 2 * 3_600_000, 'between 1min and 2h')
      .default(15 * 60_000)
      .describe('Time over which they are counted, from 1min to 2h.'),
    atLeast: z.int().positive().default(5).describe('Errors that there must be: one of two is no trend.'),
  }),
  check: ({ abovePercent, withinMs, atLeast }) => ({
    ofChannel: ({ channel }, view) => {
      // What is for another processing has an alert of its own.
      const refused = view.rise(channel, 'processing_refused_total', withinMs);
      const errors = Math.max(0, view.rise(channel, 'errored', withinMs) - refused);
      const all = errors + view.rise(channel, 'sent', withinMs);
      const percent = all === 0 ? 0 : (100 * errors) / all;
      const text = `${errors} of ${all} deliveries within ${spanText(withinMs)} were errors`;
      if (errors >= atLeast && percent > abovePercent) return { text };
      // After a start too little is known to say that it is over.
      return view.now - view.watchingSince < withinMs && all === 0 ? { text, certain: false } : undefined;
    },
  }),
});

export const deadLetters = defineCondition({
  type: 'deadLetters',
  summary: 'Dead letters are open: nobody has retried, replayed or skipped them.',
  selects: 'channels',
  together: 'rule',
  severity: 'warning',
  forMs: 0,
  clearForMs: 30_000,
  config: z.strictObject({
    atLeast: z.int().positive().default(1).describe('Open dead letters of a channel from which it is told.'),
  }),
  check: ({ atLeast }) => ({
    ofChannel: ({ channel, counts, destinations }, view) => {
      // What is for another processing has an alert of its own.
      const openErrors = counts.openErrors - view.processingRefused(channel);
      if (openErrors < atLeast) return undefined;
      const where = destinations
        .filter((each) => each.openErrors > 0)
        .map((each) => `${each.destination} ${each.openErrors}`);
      const text = openErrors === 1 ? '1 dead letter is open' : `${openErrors} dead letters are open`;
      return { text: where.length > 0 ? `${text}: ${where.join(', ')}` : text };
    },
  }),
});
