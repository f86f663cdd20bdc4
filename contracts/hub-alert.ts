import { z } from 'zod';
import { jsonFormat } from './json-format.ts';

const instant = z.iso.datetime();

/** One thing that is wrong: names from the configuration and figures, never anything of a message. */
const alert = z.strictObject({
  channel: z.string().optional(),
  destination: z.string().optional(),
  endpoint: z.string().optional(),
  /** Of the far end, where there is one. */
  host: z.string().optional(),
  since: instant,
  text: z.string(),
  /** Of the error behind it. */
  code: z.string().optional(),
});

/**
 * A notice of the hub about itself: something went wrong, still is, or is over. Those of one incident share its id, and are told
 * once each: whoever gets a notice again finds the same `id`.
 */
export const hubAlertSchema = z.strictObject({
  id: z.string(),
  incident: z.string(),
  notice: z.enum(['started', 'reminder', 'cleared']),
  at: instant,
  /** The machine that the hub runs on. */
  hub: z.string(),
  severity: z.enum(['warning', 'critical']),
  /** What is watched: `connectionDown`, `queueAge` … */
  condition: z.string(),
  /** The far end that all of it is about, where it is one. */
  host: z.string().optional(),
  /** One line for people. */
  title: z.string(),
  startedAt: instant,
  clearedAt: instant.optional(),
  alerts: z.array(alert).min(1).max(100),
  /** How many others there are that did not fit. */
  more: z.int().nonnegative(),
});

export type HubAlert = z.output<typeof hubAlertSchema>;

export const hubAlert = jsonFormat('hub.alert.v1', hubAlertSchema);
