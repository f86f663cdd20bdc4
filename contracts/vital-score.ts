import { z } from 'zod';
import { identifier } from './clinical-person.ts';
import { jsonFormat } from './json-format.ts';

const instant = z.iso.datetime();
const points = z.int().nonnegative();

/** An early-warning score of a patient, each time it has become another one, or there is none any more. */
export const vitalScoreSchema = z
  .strictObject({
    patient: z.strictObject({ identifiers: z.array(identifier).min(1) }),
    score: z.enum(['NEWS2', 'MEWS']),
    /** When it became so. */
    at: instant,
    /** Absent where something that it is computed of is missing or too old: a score of the rest would be a guess. */
    total: points.optional(),
    /** Of each vital sign, by its name. */
    points: z.record(z.string(), points).optional(),
    /** Of NEWS2: 0–4; any single 3, or 5–6; 7 or more. */
    response: z.enum(['low', 'urgent', 'emergency']).optional(),
    /** Of NEWS2: 2 on a clinician’s order. */
    spo2Scale: z.literal([1, 2]).optional(),
    /** Names of what is missing, where there is no score. */
    missing: z.array(z.string()).min(1).optional(),
    /** What it is computed of: by which device, or charted by whom. */
    of: z.record(
      z.string(),
      z.strictObject({ value: z.union([z.number(), z.string(), z.boolean()]), at: instant, from: z.string() }),
    ),
  })
  .refine(({ total, missing }) => (total === undefined) !== (missing === undefined), 'a score, or what it misses');

export type VitalScore = z.output<typeof vitalScoreSchema>;

export const vitalScore = jsonFormat('vitals.score.v1', vitalScoreSchema);
