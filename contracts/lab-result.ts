import { z } from 'zod';
import { codedValue, identifier, instant, origin } from './clinical-person.ts';
import { jsonFormat } from './json-format.ts';

const observation = z.strictObject({
  setId: z.string().optional(),
  code: codedValue,
  subId: z.string().optional(),
  /** HL7 table 0125: NM, ST, CWE, TX, ED … */
  valueType: z.string().optional(),
  /** One per repetition; as text, since `1.10` and `1.1` differ in precision. Empty for a document (ED, RP). */
  values: z.array(z.string()),
  unit: z.string().optional(),
  referenceRange: z.string().optional(),
  /** HL7 table 0078: H, HH, L, LL, A, AA, N … */
  flags: z.array(z.string()),
  /** HL7 table 0085: P preliminary, F final, C corrected, D deleted, W wrong patient … */
  status: z.string().optional(),
  observedAt: instant.optional(),
});

const order = z.strictObject({
  placer: z.string().optional(),
  filler: z.string().optional(),
  service: codedValue,
  /** HL7 table 0123. */
  status: z.string().optional(),
  observedAt: instant.optional(),
});

const about = { patient: z.strictObject({ identifiers: z.array(identifier) }), order, origin };

/** The observations reported for one order (one OBR with its OBX). */
export const labResultSchema = z.strictObject({ ...about, observations: z.array(observation) });

/** One observation that somebody has to be told of now. */
export const criticalResultSchema = z.strictObject({ ...about, observation });

export type Observation = z.output<typeof observation>;
export type LabResult = z.output<typeof labResultSchema>;
export type CriticalResult = z.output<typeof criticalResultSchema>;

export const labResult = jsonFormat('lab.result.v1', labResultSchema);
export const criticalResult = jsonFormat('lab.result.critical.v1', criticalResultSchema);
