import { hl7Batch } from './hl7-batch.ts';
import { jsonArray } from './json-array.ts';
import { lines } from './lines.ts';

/** Every envelope that a destination can collect into. */
export const envelopes = [hl7Batch, lines, jsonArray] as const;
