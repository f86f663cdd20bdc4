import type { Unblocked } from '../store/message-store.ts';

/** One number for a part's place in its destination's queue; a message splits into at most 65,536 parts. */
export function positionOf(seq: number, n: number): number {
  return seq * 65_536 + n;
}

export const maxParts = 65_536;

export function seqOf(position: number): number {
  return Math.floor(position / 65_536);
}

interface Hold {
  /** The part that everything behind waits for: it failed, or waits for another of its keys. It alone may go. */
  head: number | undefined;
  /** Parts up to here were unblocked and may go. */
  upTo: number;
  /** Unblocked parts up to there that are not done yet. */
  readonly outstanding: Set<number>;
  /** Parts blocked since the last question to the store whether any are left. */
  blockedSince: number;
  asking: boolean;
}

/** A part as holds see it. */
export interface Holdable {
  readonly position: number;
  readonly laneKeys: readonly string[];
}

/**
 * The keys of one destination that are not free: a part failed, and every later part with the key waits in the store as `blocked`
 * (rule 20). When the head is done, the parts behind it are unblocked some at a time; the key is free when none is left.
 *
 * Parts must be looked at in the order of their positions per key, which holds because live parts, the store's ready parts and
 * unblocked parts all come in that order.
 */
export class HeldKeys {
  readonly #holds = new Map<string, Hold>();
  readonly #unblock: (key: string) => Promise<Unblocked>;
  readonly #onUnblocked: (firstPosition: number) => void;
  readonly #onError: (thrown: unknown) => void;

  constructor(
    unblock: (key: string) => Promise<Unblocked>,
    onUnblocked: (firstPosition: number) => void,
    onError: (thrown: unknown) => void,
  ) {
    this.#unblock = unblock;
    this.#onUnblocked = onUnblocked;
    this.#onError = onError;
  }

  get size(): number {
    return this.#holds.size;
  }

  /** As the store says at a start. */
  restore(key: string, head: number): void {
    this.#holds.set(key, { head, upTo: head - 1, outstanding: new Set(), blockedSince: 0, asking: false });
  }

  /** True where one of its keys is held and it is not that key's turn. */
  blocks(part: Holdable): boolean {
    if (this.#holds.size === 0) return false;
    for (const key of part.laneKeys) {
      const hold = this.#holds.get(key);
      if (hold && part.position > hold.upTo && part.position !== hold.head) return true;
    }
    return false;
  }

  /** The part failed, or was blocked: what comes behind it has to wait. */
  hold(part: Holdable): void {
    for (const key of part.laneKeys) {
      const hold = this.#holds.get(key);
      if (!hold) {
        this.restore(key, part.position);
        continue;
      }
      hold.blockedSince += 1;
      // It is this key that it waits for: whoever is ahead of it in the key brings it back.
      if (part.position > hold.upTo && part.position !== hold.head) continue;
      hold.head = Math.min(hold.head ?? part.position, part.position);
      hold.upTo = Math.min(hold.upTo, part.position - 1);
      for (const each of hold.outstanding) if (each > hold.upTo) hold.outstanding.delete(each);
    }
  }

  /** The part is done, however: sent, dead letter, skipped. */
  release(part: Holdable): void {
    if (this.#holds.size === 0) return;
    for (const key of part.laneKeys) {
      const hold = this.#holds.get(key);
      if (!hold) continue;
      if (hold.head === part.position) hold.head = undefined;
      hold.outstanding.delete(part.position);
      this.#advance(key, hold);
    }
  }

  /** A row that was changed in the store is done: as `release`, where its keys are not at hand. */
  gone(position: number): void {
    for (const [key, hold] of this.#holds) {
      if (hold.head === position) hold.head = undefined;
      else if (!hold.outstanding.delete(position)) continue;
      this.#advance(key, hold);
    }
  }

  #advance(key: string, hold: Hold): void {
    if (hold.head !== undefined || hold.outstanding.size > 0 || hold.asking) return;
    hold.asking = true;
    hold.blockedSince = 0;
    this.#unblock(key).then(
      ({ parts, next }) => {
        hold.asking = false;
        const [first, last] = [parts[0], parts.at(-1)];
        if (first && last) {
          // A part may have failed and become the head while the store was asked: then the lower one counts.
          const upTo = positionOf(last.seq, last.n);
          hold.upTo = Math.max(hold.upTo, hold.head === undefined ? upTo : Math.min(upTo, hold.head - 1));
          for (const { seq, n } of parts) if (positionOf(seq, n) <= hold.upTo) hold.outstanding.add(positionOf(seq, n));
          // All of them came to lie behind the head meanwhile: they are blocked again when they are met.
          this.#onUnblocked(positionOf(first.seq, first.n));
        } else if (next) {
          // It waits for another of its keys, and everything behind it waits for it.
          const position = positionOf(next.seq, next.n);
          hold.head = hold.head === undefined ? position : Math.min(hold.head, position);
        } else if (hold.blockedSince > 0) this.#advance(key, hold);
        else if (hold.head === undefined) this.#holds.delete(key);
      },
      (thrown) => {
        hold.asking = false;
        this.#onError(thrown);
      },
    );
  }

  /** Asks again for keys whose question failed. */
  resume(): void {
    for (const [key, hold] of this.#holds) this.#advance(key, hold);
  }

  clear(): void {
    this.#holds.clear();
  }
}
