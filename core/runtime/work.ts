import type { Grant } from '../cluster/lease-keeper.ts';
import type { WorkStore } from '../cluster/work-store.ts';

/** What is done with a channel's messages beyond storing them; where hubs share a store, under a lease. */
export interface Work {
  readonly store: WorkStore;
  /** The end, at once. */
  readonly over: AbortController;
  readonly lease: { readonly epoch: number; readonly until: number };
  /** Messages that may have been begun by whoever had the lease before have a seq up to it. */
  readonly olderUpTo: number;
  /** The process that had the work before ended in the midst of it: what it may have begun can have been the cause. */
  readonly afterCrash: boolean;
  /** Another hub is to have the channel: what is in memory ends, and nothing new is taken. */
  yielding: boolean;
}

export function newWork(store: WorkStore, lease: Work['lease'], afterCrash: boolean, olderUpTo: number): Work {
  return { store, lease, afterCrash, olderUpTo, over: new AbortController(), yielding: false };
}

/** The lease as whoever writes under it sees it: no write begins after `until`. */
export function writingUnder(grant: Grant): Work['lease'] {
  return {
    epoch: grant.epoch,
    get until() {
      return grant.writeUntil;
    },
  };
}

/** Resolves once the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return signal.aborted
    ? Promise.resolve()
    : new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
