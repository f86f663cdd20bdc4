import type { Format } from './format.ts';

/** Moments at which something is due, e.g. every night at two in a zone. */
export interface Schedule {
  /** How it is written, for people. */
  readonly text: string;
  /** The first moment after `after`, milliseconds since the epoch; undefined where there is none any more. */
  next(after: number): number | undefined;
}

/** What an envelope may say about itself. */
export interface Collection {
  /** Counts the collections of this destination, from 1. */
  readonly sequence: number;
  /** When it was closed, milliseconds since the epoch. */
  readonly at: number;
  readonly channel: string;
  readonly destination: string;
}

/** How several messages become one: `wrap` is pure, so that the same collection gives the same bytes. */
export interface Envelope {
  readonly type: string;
  readonly config: unknown;
  /** What the parts have to be; any format where absent. */
  readonly accepts?: Format<never>;
  readonly contentType: string;
  wrap(parts: readonly Uint8Array[], collection: Collection): Uint8Array;
}

/** When a collection is closed: what comes first of those that are given. */
export interface CollectOptions {
  /** Messages in one collection, at the most. */
  readonly count?: number;
  /** At these moments what has gathered is closed; one missed during a stop is made up for at the start. */
  readonly schedule?: Schedule;
  /** So long after its first message, milliseconds. */
  readonly maxWaitMs?: number;
  readonly envelope: Envelope;
  /** `send` makes an empty collection where the schedule finds nothing; `nothing` makes none. */
  readonly whenEmpty?: 'nothing' | 'send';
}

export type CollectSpec = Required<Pick<CollectOptions, 'envelope' | 'whenEmpty'>> &
  Omit<CollectOptions, 'envelope' | 'whenEmpty'>;
