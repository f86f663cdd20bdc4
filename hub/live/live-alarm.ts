import { z } from 'zod';
import { vitalScoreSchema } from '../../contracts/vital-score.ts';
import { vitalAlarmSchema } from '../../contracts/vitals.ts';

const told = {
  hub: z.string(),
  /** When it was told, in milliseconds since 1970. */
  at: z.number(),
};
/** A change of an alarm, or of a patient’s scores, as it is told to whoever looks at any hub. */
const alarmTold = z.object({ ...told, alarm: vitalAlarmSchema });
const scoreTold = z.object({ ...told, score: vitalScoreSchema });
export const liveAlarm = z.union([alarmTold, scoreTold]);

export type AlarmTold = z.output<typeof alarmTold>;
export type ScoreTold = z.output<typeof scoreTold>;
export type LiveAlarm = AlarmTold | ScoreTold;
