import type { WorkStore } from '../../cluster/work-store.ts';
import type { Clock, Log } from '../../component.ts';
import type { ErrorRecord } from '../../errors.ts';
import type { Granted } from '../../rates.ts';
import type { Part } from '../../store/message-store.ts';
import type { RateOptions } from '../rates/rates.ts';
import type { Slot } from '../slot.ts';

export interface DispatcherHost {
  readonly channel: string;
  readonly store: WorkStore;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** Under which it writes: none begins after `until`, which is on the monotonic clock and moves on with the lease. */
  readonly lease: { readonly epoch: number; readonly until: number };
  /** Where the destination has a rate: how many of so many may go now. */
  take(rate: RateOptions, wanted: number): Granted | Promise<Granted>;
  /** The store says that another hub has the channel. */
  leaseLost(): void;
  /** A part's first pass ended. The host writes the settlement when all parts of the message did, or at once when one is queued. */
  firstPassEnded(slot: Slot, part: Part): void;
  /** Writes out settlements that are gathered, so that a read of the queue sees them. */
  flush(): void;
  /** A queued part reached its end, and that is committed. */
  queuedEnded(seq: number, error: ErrorRecord | undefined, reply: Uint8Array | undefined): void;
  /** Bytes that entered (positive) or left the queue, for the backlog's quota. */
  queuedBytes(delta: number): void;
  /** The destination stopped by itself and wants to stay so. */
  stopped(destination: string, error: ErrorRecord): void;
}

export interface DispatchLimits {
  /**
   * Parts in memory; beyond it they go to the store's queue, so that a slow destination holds back no other: those that are not done
   * with in a moment, and at once where there are twice as many.
   */
  readonly maxItems: number;
  readonly maxHeldKeys: number;
}
