import type { Meta } from '../../format.ts';
import { isKeyOf } from '../../store/lane.ts';

/** What an operator holds back at a destination: messages with this key, of this type, or, with neither, every one. */
export interface HoldInForce {
  /** A key, or the part of it before the assigning authority, as in `LaneQuery`. */
  readonly key?: string;
  /** `ADT^A08`, or `ADT` for all of them. */
  readonly type?: string;
  /** Messages with a seq up to it were let go. It rises while the hold is being released; who has the hold sees that. */
  readonly upTo: number;
}

/** What a hold asks of a message. */
interface Held {
  readonly keys?: readonly string[];
  readonly meta: Meta;
}

/** Whether the hold is about such a message, let go or not. */
export function isAbout({ key, type }: HoldInForce, message: Held): boolean {
  if (key !== undefined) return message.keys?.some((each) => isKeyOf(key, each)) ?? false;
  if (type === undefined) return true;
  const own = message.meta['hl7.type'];
  return own === type || (own?.startsWith(`${type}^`) ?? false);
}

/** The holds of operators that are in force at one destination. */
export class OperatorHolds {
  #holds: readonly HoldInForce[] = [];

  get any(): boolean {
    return this.#holds.length > 0;
  }

  /** Answers true where one that was in force is not any more: what it held can go. */
  set(holds: readonly HoldInForce[]): boolean {
    const gone = this.#holds.some((each) => !holds.includes(each));
    this.#holds = holds;
    return gone;
  }

  blocks(seq: number, message: Held): boolean {
    return this.#holds.some((each) => seq > each.upTo && isAbout(each, message));
  }

  /** False where no part of this key can be one that is held: holds by other keys only. */
  mayBlock(key: string): boolean {
    return this.#holds.some((each) => each.key === undefined || isKeyOf(each.key, key));
  }
}
