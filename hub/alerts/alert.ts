import { z } from 'zod';
import { severities } from './condition.ts';

/** What an alert is about. Nothing of it: the hub itself. */
const subject = z.strictObject({
  channel: z.string().optional(),
  destination: z.string().optional(),
  endpoint: z.string().optional(),
});

/** One condition that holds for one thing, from when it began until it is over: as it is kept. */
export const keptAlert = z.strictObject({
  id: z.string(),
  condition: z.string(),
  severity: z.enum(severities),
  subject,
  /** Of the far end that it is about. */
  host: z.string().optional(),
  /** What it is told together with; by its rule if there is none. */
  group: z.string().optional(),
  text: z.string(),
  code: z.string().optional(),
  since: z.number(),
  /** Undefined while it has not held for long enough. */
  firedAt: z.number().optional(),
  /** Since when it does not hold any more. */
  overSince: z.number().optional(),
  clearForMs: z.number(),
  remindEveryMs: z.number(),
  /** The incident that tells of it; none while it is muted. */
  incident: z.string().optional(),
});

export const alertSummary = keptAlert.pick({
  id: true,
  subject: true,
  host: true,
  since: true,
  text: true,
  code: true,
});

/** Alerts that are told together, once at the beginning and once at the end. */
export const keptIncident = z.strictObject({
  id: z.string(),
  condition: z.string(),
  severity: z.enum(severities),
  /** The far end, or the endpoint, that all of its alerts are about. */
  group: z.string().optional(),
  startedAt: z.number(),
  /** Until then others may join before it is told. */
  tellAt: z.number(),
  toldAt: z.number().optional(),
  remindEveryMs: z.number(),
  /** All that belonged to it, those that are over included. */
  members: z.array(alertSummary),
});

export type Subject = z.output<typeof subject>;
export type Alert = z.output<typeof keptAlert>;
export type AlertSummary = z.output<typeof alertSummary>;
export type Incident = z.output<typeof keptIncident>;

/** `lab-in/archive`, the endpoint, or `hub` for the hub itself. */
export function subjectText({ channel, destination, endpoint }: Subject): string {
  if (channel !== undefined) return destination === undefined ? channel : `${channel}/${destination}`;
  return endpoint ?? 'hub';
}

export function summaryOf({ id, subject, host, since, text, code }: Alert): AlertSummary {
  return { id, subject, since, text, ...(host !== undefined && { host }), ...(code !== undefined && { code }) };
}
