import { z } from 'zod';
import { defineCondition } from '../condition.ts';
import { duration, spanText } from '../duration.ts';

export const queueDepth = defineCondition({
  type: 'queueDepth',
  summary: 'More messages wait for a destination than they should.',
  selects: 'destinations',
  together: 'far-end',
  severity: 'warning',
  forMs: 60_000,
  clearForMs: 120_000,
  config: z.strictObject({
    above: z.int().nonnegative().default(10_000).describe('Messages that may wait.'),
  }),
  check: ({ above }) => ({
    ofDestination: ({ queued }) => (queued > above ? { text: `${queued} messages are queued` } : undefined),
  }),
});

export const queueAge = defineCondition({
  type: 'queueAge',
  summary: 'The oldest message that waits for a destination is older than it should be.',
  selects: 'destinations',
  together: 'far-end',
  severity: 'warning',
  forMs: 0,
  clearForMs: 120_000,
  config: z.strictObject({
    aboveMs: duration()
      .default(15 * 60_000)
      .describe('Age that a queued message may reach.'),
  }),
  check: ({ aboveMs }) => ({
    ofDestination: ({ queued, queuedAgeMs = 0 }) =>
      queued > 0 && queuedAgeMs > aboveMs
        ? { text: `the oldest of ${queued} queued messages has waited ${spanText(queuedAgeMs)}` }
        : undefined,
  }),
});
