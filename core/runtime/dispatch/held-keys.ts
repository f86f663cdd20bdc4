import type { Unblocked } from '../../store/message-store.ts';
import { positionOf } from '../position.ts';

/** A part as holds see it. */
export interface Holdable {
  readonly position: number;
  readonly laneKeys: readonly string[];
}

interface Hold {
  /**
   * No part with the key that is parked in the store (waiting for a retry, or blocked) is before this one, so parts behind it wait.
   * It may be too low for a while, never too high.
   */
  stop: number;
  /** The store is being asked what may go: `stop` is done, and what is behind it is not known yet. */
  asking: boolean;
  askAgain: boolean;
  /** The lowest part that was parked since the question was posted. */
  parkedSince: number;
  /** The last part that was unblocked while others stay blocked: when it is done, it is time to ask again. */
  lastUnblocked: number;
  /** Dead letters that hold the key until somebody closes them (`afterDeadLetter: hold-key`). */
  readonly dead: Set<number>;
}

export interface HeldKeysHost {
  /** Makes blocked parts of a key ready in the store, which has seen every change of this destination before. */
  unblock(key: string): Promise<Unblocked>;
  /** Parts from this position on, with these keys, are ready in the store. */
  unblocked(keys: readonly string[], firstPosition: number): void;
  /** Parts that `verdict` called `asking` can be looked at again. */
  answered(): void;
  failed(thrown: unknown): void;
}

const none = Number.POSITIVE_INFINITY;

/**
 * The keys of one destination that are not free: a part with the key failed and waits for its retry, and later parts with the key
 * wait in the store as `blocked` (rule 20).
 *
 * For each key only its first parked part is known, its `stop`. Whatever is parked is a stop of all its keys until the store says
 * otherwise, so a part with two keys holds back both. When a stop is done, the store makes ready what nothing parked precedes in
 * any of its keys, and names the next stop. Parts before a stop may be in flight; lanes keep those in order.
 */
export class HeldKeys {
  readonly #holds = new Map<string, Hold>();
  readonly #host: HeldKeysHost;

  constructor(host: HeldKeysHost) {
    this.#host = host;
  }

  get size(): number {
    return this.#holds.size;
  }

  /** Whether it may go: not while a part before it with one of its keys is parked; `asking` while that is being found out. */
  verdict(part: Holdable): 'free' | 'blocked' | 'asking' {
    if (this.#holds.size === 0) return 'free';
    let asking = false;
    for (const key of part.laneKeys) {
      const hold = this.#holds.get(key);
      if (!hold || part.position <= hold.stop) continue;
      if (!hold.asking || part.position > hold.parkedSince || hold.dead.size > 0) return 'blocked';
      asking = true;
    }
    return asking ? 'asking' : 'free';
  }

  /** The part was parked. */
  hold(part: Holdable): void {
    for (const key of part.laneKeys) {
      const hold = this.#of(key, part.position);
      hold.stop = Math.min(hold.stop, part.position);
      if (hold.asking) hold.parkedSince = Math.min(hold.parkedSince, part.position);
    }
  }

  /** The part is a dead letter that holds its keys. */
  holdDead(part: Holdable): void {
    for (const key of part.laneKeys) this.#of(key, part.position).dead.add(part.position);
    this.hold(part);
  }

  /** The part is done, however: sent, dead letter, skipped. */
  release(part: Holdable): void {
    if (this.#holds.size === 0) return;
    for (const key of part.laneKeys) {
      const hold = this.#holds.get(key);
      if (hold && (hold.stop === part.position || hold.lastUnblocked === part.position)) this.#ask(key, hold);
    }
  }

  /** As `release`, for a row that was changed in the store only. */
  gone(position: number): void {
    for (const [key, hold] of this.#holds) {
      hold.dead.delete(position);
      if (hold.stop === position || hold.lastUnblocked === position) this.#ask(key, hold);
    }
  }

  /** A dead letter that held its keys goes out again. */
  revived(position: number): void {
    for (const hold of this.#holds.values()) hold.dead.delete(position);
  }

  /** A key that has parked parts in the store, at a start; `askAll` finds out what may go. */
  restore(key: string, firstPosition: number): void {
    this.#of(key, firstPosition);
  }

  askAll(): void {
    for (const [key, hold] of this.#holds) this.#ask(key, hold);
  }

  clear(): void {
    this.#holds.clear();
  }

  #of(key: string, position: number): Hold {
    let hold = this.#holds.get(key);
    if (!hold) {
      hold = {
        stop: position,
        asking: false,
        askAgain: false,
        parkedSince: none,
        lastUnblocked: none,
        dead: new Set(),
      };
      this.#holds.set(key, hold);
    }
    return hold;
  }

  #ask(key: string, hold: Hold): void {
    if (hold.asking) {
      hold.askAgain = true;
      return;
    }
    hold.asking = true;
    hold.askAgain = false;
    hold.parkedSince = none;
    hold.lastUnblocked = none;
    this.#host.unblock(key).then(
      (unblocked) => this.#answered(key, hold, unblocked),
      (thrown) => {
        hold.asking = false;
        this.#host.failed(thrown);
      },
    );
  }

  #answered(key: string, hold: Hold, { parts, keys, next }: Unblocked): void {
    if (this.#holds.get(key) !== hold) return;
    const nextStop = next ? positionOf(next) : none;
    hold.asking = false;
    hold.stop = Math.min(nextStop, hold.parkedSince, ...hold.dead);
    if (hold.stop === none) this.#holds.delete(key);
    else if (hold.askAgain || hold.parkedSince < none) this.#ask(key, hold);
    else if (next && parts.length > 0) hold.lastUnblocked = positionOf(parts.at(-1)!);
    if (parts.length > 0) this.#host.unblocked(keys, positionOf(parts[0]!));
    this.#host.answered();
  }
}
