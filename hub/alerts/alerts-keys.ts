import { z } from 'zod';
import { zoneName } from '../../core/time/zone.ts';
import { type Condition, type Severity, severities } from './condition.ts';
import { duration } from './duration.ts';
import { namePattern } from './name-pattern.ts';
import { daysOfWeek, hoursOfDay } from './weekly-hours.ts';

const remindEveryMs = () =>
  duration()
    .refine((ms) => ms === 0 || ms >= 60_000, '1min or more; 0 never reminds')
    .default(0)
    .describe('Tells again so often while it goes on: a number of milliseconds, or `8h`. 0 never reminds.');

const severity = (fallback: Severity) =>
  z.enum(severities).default(fallback).describe('How bad it is: `notify` may choose by it.');

const zone = () => zoneName().optional().describe('Time zone of these hours; that of the file if absent.');

/** The keys of one rule: the condition with its thresholds, what it is for, and when it is told. */
export function ruleKeys({ type, summary, selects, config, severity: usual, forMs, clearForMs }: Condition) {
  const channels = {
    channels: namePattern().default('*').describe('Channels it is for: a name, a pattern like `lab-*`, or a list.'),
    labels: z
      .record(z.string(), z.string())
      .default({})
      .describe('Labels that those channels have; all of them have to fit.'),
  };
  const destinations = namePattern().optional().describe('Destinations of those channels; all if absent.');
  return z.strictObject({
    [type]: config.prefault({}).describe(summary),
    ...(selects !== 'hub' && channels),
    ...(selects === 'destinations' && { destinations }),
    severity: severity(usual),
    forMs: duration().default(forMs).describe('How long it has to hold before it is told: milliseconds, or `5min`.'),
    clearForMs: duration().default(clearForMs).describe('How long it has to be over before that is told.'),
    remindEveryMs: remindEveryMs(),
    enabled: z.boolean().default(true).describe('`false` watches nothing where this rule would.'),
  });
}

/** What every rule has, whatever it watches. */
export interface RuleSettings {
  readonly severity: Severity;
  readonly forMs: number;
  readonly clearForMs: number;
  readonly remindEveryMs: number;
  readonly enabled: boolean;
  readonly channels?: string | readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly destinations?: string | readonly string[] | undefined;
}

export const expectationKeys = z.strictObject({
  feed: namePattern().describe('The channel that messages are expected from: a name, a pattern or a list.'),
  between: hoursOfDay().default('00:00-24:00'),
  days: daysOfWeek().default('mon-sun'),
  every: duration()
    .refine((ms) => ms >= 60_000 && ms <= 7 * 86_400_000, 'between 1min and 7d')
    .describe('Longest time without a message within those hours: `15min`, or milliseconds.'),
  zone: zone(),
  exceptOn: z
    .array(z.iso.date())
    .default([])
    .describe('Dates on which nothing is expected, public holidays for example: `2026-12-25`.'),
  severity: severity('critical'),
  remindEveryMs: remindEveryMs(),
});

const dateTime = z
  .union([z.iso.date(), z.iso.datetime({ local: true, offset: true })])
  .describe('A time like `2026-12-01T22:00` in the zone of the file, or one with an offset.');

const muted = {
  channels: namePattern().describe('Channels whose alerts are not told: a name, a pattern or a list.'),
  reason: z.string().min(1).describe('Why; shown where alerts are shown.'),
};

export const datedMaintenanceKeys = z.strictObject({
  ...muted,
  from: dateTime.describe('Its beginning: `2026-12-01T22:00` in the zone of the file, or a time with an offset.'),
  to: dateTime.describe('Its end, likewise.'),
});

export const weeklyMaintenanceKeys = z.strictObject({
  ...muted,
  between: hoursOfDay(),
  days: daysOfWeek(),
  zone: zone(),
});

/** What stands beside the connector of an entry of `notify`. */
export const notifyKeys = z.strictObject({
  severity: z
    .enum(severities)
    .default('warning')
    .describe('The least severity that goes this way: `critical` leaves warnings out.'),
  as: z
    .enum(['json', 'text'])
    .optional()
    .describe(
      '`json` writes the contract hub.alert.v1, `text` lines for people; text for email, else json, if absent.',
    ),
});

/** The keys of `alerts.yaml`. Without the file every default holds: all is watched, and shown by `weir alerts`. */
export const alertsKeys = z.strictObject({
  zone: zoneName()
    .optional()
    .describe('Time zone of the hours in this file; that of the environment, else of `weir.yaml`, if absent.'),
  gatherMs: duration()
    .refine((ms) => ms <= 600_000, '10min or less')
    .default(30_000)
    .describe('What starts within this time for one far end, or under one rule, is told in one notice.'),
  rules: z
    .array(z.unknown())
    .default([])
    .describe(
      'What is watched, one condition each. The first rule of each severity that selects a channel applies to it; where none does, the condition’s defaults do.',
    ),
  expect: z.array(expectationKeys).default([]).describe('Feeds that have to bring messages in certain hours.'),
  maintenance: z
    .array(z.unknown())
    .default([])
    .describe('When nothing is told of certain channels: dated with from and to, or weekly with days and between.'),
  notify: z
    .array(z.unknown())
    .default([])
    .describe('Where notices go: a list of connectors with their configuration, as a channel’s `to`.'),
});

export type ExpectationSettings = z.output<typeof expectationKeys>;
