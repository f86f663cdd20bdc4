import { z } from 'zod';
import { vitalAlarmSchema } from '../../contracts/vitals.ts';

/** A change of an alarm, as it is told to whoever looks at any hub. */
export const liveAlarm = z.object({
  hub: z.string(),
  /** When it was told, in milliseconds since 1970. */
  at: z.number(),
  alarm: vitalAlarmSchema,
});

export type LiveAlarm = z.output<typeof liveAlarm>;
