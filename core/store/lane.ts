import type { ErrorRecord } from '../errors.ts';

export interface LaneQuery {
  /**
   * A key as it is, or the part of it before the assigning authority: `4711` also finds `4711^HOSP`, and `4711^HOSP` finds
   * `4711^HOSP&1.2.3&ISO`.
   */
  readonly key: string;
  readonly channel?: string;
  /** Parts that are told of one lane, and dead letters. */
  readonly limit: number;
}

/** What is in order behind one key at one destination, and its open dead letters. */
export interface Lane {
  readonly channel: string;
  readonly destination: string;
  /** `''` is the lane of all messages, where a destination keeps the order of all or its channel has no key. */
  readonly key: string;
  /** How many parts are in its queue. */
  readonly queued: number;
  /** The first of them, in order. */
  readonly parts: readonly LanePart[];
  /** The first of them, in order. */
  readonly deadLetters: readonly LanePart[];
}

export interface LanePart {
  readonly id: string;
  readonly seq: number;
  readonly n: number;
  readonly type?: string;
  readonly receivedAt: number;
  readonly attempts: number;
  /** All its keys: it waits in the lane of each. */
  readonly keys: readonly string[];
  /** Of parts in the queue: how they stand, and since when they are there. */
  readonly queued?: 'ready' | 'waiting' | 'blocked';
  readonly queuedAt?: number;
  readonly retryAt?: number;
  /** Why it was not sent, where it was tried. */
  readonly error?: ErrorRecord;
}

/** What keys begin with that have this identifier and say more of it. */
export function prefixOf(identifier: string): string {
  return identifier + (identifier.includes('^') ? '&' : '^');
}

/** Whether a key is one that `LaneQuery.key` asks for. */
export function isKeyOf(identifier: string, key: string): boolean {
  return key === identifier || (identifier !== '' && key.startsWith(prefixOf(identifier)));
}
