import { z } from 'zod';
import { cronSchedule } from '../../contracts/cron-schedule.ts';
import { defineAdapter } from '../../core/define.ts';
import { endpointName } from '../../core/endpoint-name.ts';
import { bytes } from '../../core/format.ts';
import { scheduleSource } from './source.ts';
import { everyTicks } from './ticks.ts';

const config = z
  .strictObject({
    name: z.string().min(1).describe('Name of the schedule, told in every message.'),
    cron: z
      .string()
      .refine((expression) => isSchedule(expression, 'UTC'), 'a cron expression like 30 6 * * 1-5')
      .optional()
      .describe(
        'When it ticks: minute, hour, day, month, weekday; with seconds before them where there are six fields.',
      ),
    timeZone: z
      .string()
      .refine((zone) => isSchedule('* * * * *', zone), 'a time zone like Europe/Berlin')
      .default('UTC')
      .describe('Time zone of cron. A time that the clocks skip happens later, one that comes twice happens once.'),
    everyMs: z
      .int()
      .min(100)
      .optional()
      .describe('Ticks every so many milliseconds instead, counted from 1970-01-01T00:00Z.'),
    missed: z
      .enum(['skip', 'once'])
      .default('skip')
      .describe('What becomes of ticks while the channel is stopped or the last one is open: nothing, or one for all.'),
    endpoint: endpointName('directory')
      .optional()
      .describe('Name of the directory endpoint that keeps the time of the last tick, for `missed: once`.'),
  })
  .refine(({ cron, everyMs }) => (cron === undefined) !== (everyMs === undefined), 'either cron or everyMs')
  .refine(
    ({ missed, endpoint }) => (missed === 'once') === (endpoint !== undefined),
    'endpoint goes with missed: once, and only with it',
  );

/**
 * Makes a message of time: JSON `{ "at": "2026-01-31T05:30:00.000Z", "name": "…" }`, where `at` is when the tick was due. One
 * message is open at a time, until it reaches the channel's `ackAfter`. A tick comes again, with the same dedupe key, where the
 * hub ended before that was noted (at least once, and only with `missed: once`).
 */
export const schedule = defineAdapter({
  type: 'schedule',
  summary: 'Makes a message at the times of a cron expression, or every so many milliseconds.',
  produces: bytes,
  acknowledges: 'confirm',
  config,
  examples: [
    {
      title: 'Every weekday at half past six, made up for after a stop',
      config: {
        name: 'census',
        cron: '30 6 * * 1-5',
        timeZone: 'Europe/Berlin',
        missed: 'once',
        endpoint: 'schedules',
      },
    },
    { title: 'Every five minutes', config: { name: 'poll-worklist', everyMs: 300_000 } },
  ],
  create: ({ cron, timeZone, everyMs = 0, ...rest }, context) =>
    scheduleSource(
      { ...rest, ticks: cron === undefined ? everyTicks(everyMs) : cronSchedule(cron, timeZone) },
      context,
    ),
});

function isSchedule(expression: string, timeZone: string): boolean {
  try {
    cronSchedule(expression, timeZone);
    return true;
  } catch {
    return false;
  }
}
