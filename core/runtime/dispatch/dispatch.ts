import type { Destination } from '../../destination.ts';
import type { ErrorRecord } from '../../errors.ts';
import type { Part } from '../../store/message-store.ts';
import type { CompiledDestination } from '../compiled.ts';
import type { Slot } from '../slot.ts';
import type { HoldInForce } from './operator-holds.ts';

/** Why a job waits before it adds to the work of a channel or a destination. */
export type Busy = 'live-traffic' | 'full' | 'away' | 'stopped';

/** What a channel wants of the end of a message's way to one destination, whether it is sent or gathered there. */
export interface Dispatch {
  readonly compiled: CompiledDestination;
  readonly enabled: boolean;
  readonly circuit: 'open' | 'closed';
  readonly heldKeys: number;
  readonly lastSentAt: number | undefined;
  /** Its rate lets nothing more go at the moment. Absent where nothing is sent. */
  readonly limited?: boolean;
  /** Why it stopped by itself, or why its circuit is open. */
  readonly error: ErrorRecord | undefined;

  /**
   * Takes over what an earlier run left in the queue. Before any message is offered. With `olderToCome` messages of that run are still
   * to be routed, and may be older than rows of the queue: until `olderCame` nothing goes out, and what is offered becomes a row.
   */
  restore(enabled: boolean, olderToCome: boolean): Promise<void>;
  olderCame(): void;
  /** A part on its first pass. */
  offer(slot: Slot, n: number, payload: unknown): void;
  /**
   * The message's settlement is written now because another of its parts was queued: this one gets a row too, and goes on in
   * memory from there. Undefined for a part that has ended.
   */
  backNow(position: number): Part | undefined;
  /** Withdraws a message's part that was not begun (rule 9). Answers false where it was. */
  cancel(position: number, error: ErrorRecord): boolean;
  /** As `cancel`, for a part that may be a row of the queue only. */
  cancelRow(position: number, error: ErrorRecord, attempts: number): boolean;
  /** Sends gathered changes to the store now. */
  flush(): Promise<void>;
  /** After an operator's change of rows in the store: dead letters made ready, parts skipped. */
  rowsChanged(changed: readonly { readonly seq: number; readonly n: number; readonly ready: boolean }[]): void;
  /** True where a message with this key that came later was sent already, or may have been. */
  overtaken(position: number, keys: readonly string[]): boolean;

  /** Why a job has to wait before it gives it more; undefined: it need not. */
  readonly busy?: Busy | undefined;
  /**
   * Puts these holds of operators in force instead of those before: what one is about, and what comes after it with its key, stays
   * in the queue as `blocked`. What is being written goes on. Absent where nothing can be held back.
   */
  hold?(holds: readonly HoldInForce[]): void;

  disable(): Promise<void>;
  enable(): void;
  /** Puts another definition, and another far end where `destination` is given, behind the same queue. */
  replace(compiled: CompiledDestination, destination: Destination<unknown> | undefined): Promise<void>;
  /** A drain is to come: what waits for its rate goes to the queue, and so does what is offered from here on. */
  end?(): void;
  /** Resolves when nothing is in memory any more, or `halt` aborts: then writes are aborted and the rest goes to the queue. */
  drain(halt: AbortSignal): Promise<void>;
  /** Another hub has the channel: aborts writes and forgets everything, at once. Nothing goes to the store any more. */
  abandon(): void;
  dispose(): Promise<void>;
}
