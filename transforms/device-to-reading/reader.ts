import type { SentFrame } from '../../contracts/device-arrival.ts';
import type { Reading } from '../../contracts/vitals.ts';

export type FrameOf<K extends SentFrame['kind']> = Extract<SentFrame, { readonly kind: K }>;

/** A reading, with the specimen where it is of one. */
export interface SpecimenReading {
  readonly specimen: string | undefined;
  readonly reading: Reading;
}

/**
 * What a frame says, by the profile of its device: of each point at most one reading a sample, in the profile’s order; none of what
 * the frame does not have. Throws HubError `decode-failed` for a frame that is none.
 * @param receivedAt milliseconds since 1970
 */
export type FrameReader<K extends SentFrame['kind'], R = Reading> = (
  frame: FrameOf<K>,
  bytes: Buffer,
  receivedAt: number,
) => readonly R[];
