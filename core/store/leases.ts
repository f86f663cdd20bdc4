/** A lease as its holder names it: every write under it says so, and the store refuses it once another hub has the lease. */
export interface Fence {
  readonly lease: string;
  /** Rises each time the lease changes hands, so that a holder that slept cannot be taken for its successor. */
  readonly epoch: number;
}

export interface LeaseStanding {
  readonly name: string;
  /** Who has it, or had it last and did not give it up; undefined where it is free. */
  readonly hub: string | undefined;
  readonly epoch: number;
  /** This opening of the store has it. */
  readonly mine: boolean;
  /** How long ago it ended, by the store's clock; below 0 while it lasts. */
  readonly endedMs: number;
}

export interface LeaseTable {
  /** Hubs that showed themselves within their `ttlMs`, this one included. */
  readonly hubs: readonly string[];
  readonly leases: readonly LeaseStanding[];
}

export interface LeaseTaken {
  readonly epoch: number;
  /** Whoever had it before gave it up: nothing was under way. */
  readonly clean: boolean;
  /** Whoever had it before ended in the midst of it, for sure: its hub has been started anew since. One that was cut off has not. */
  readonly ended: boolean;
}

/**
 * Who does which work, kept where the messages are. Times are told by the store's clock alone; a holder counts its own time from the
 * moment it sent the request, on its own monotonic clock, so clocks that differ cannot make two holders. Every call is one transaction.
 */
export interface Leases {
  /** Shows that this hub lives, and prolongs those of `held` that are still its own. Answers with all leases there are. */
  renew(held: readonly Fence[], ttlMs: number): Promise<LeaseTable>;
  /** Takes a lease that is free or ended at least `graceMs` ago; undefined where it is neither. */
  take(name: string, ttlMs: number, graceMs: number): Promise<LeaseTaken | undefined>;
  /** Gives it up, if it is still this hub's: the next one has it at once. */
  release(fence: Fence): Promise<void>;
  /** Gives up everything, and is no longer among the hubs. */
  leave(): Promise<void>;
}
