/** Production, training, debugging (HL7 table 0103). */
export type ProcessingId = 'P' | 'T' | 'D';

/** What a hub is for, and messages of which processing it takes. */
export interface Processing {
  readonly id: ProcessingId;
  readonly accepts: readonly ProcessingId[];
}
