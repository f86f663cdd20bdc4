import type { DatabaseSync } from 'node:sqlite';
import type { ErrorRecord } from '../../errors.ts';
import type { AuditEntry, PartChange, PartPosition, PrunePolicy } from '../message-store.ts';

/** Kinds of the calls in a slab. A plain call's arguments are cloned beside it; the two hot ones are written out in the slab. */
export const callKind = { append: 1, settle: 2, plain: 3 } as const;

/** Calls that run on the writer's thread, in call order with appends and settlements. */
export type WriterCall =
  | { readonly name: 'update'; readonly channel: string; readonly changes: readonly PartChange[] }
  | {
      readonly name: 'unblock';
      readonly channel: string;
      readonly destination: string;
      readonly key: string;
      readonly limit: number;
    }
  | {
      readonly name: 'ready';
      readonly channel: string;
      readonly destination: string;
      readonly after: PartPosition;
      readonly limit: number;
      readonly maxBytes: number;
    }
  | {
      readonly name: 'due';
      readonly channel: string;
      readonly destination: string;
      readonly now: number;
      readonly limit: number;
    }
  | { readonly name: 'queueState'; readonly channel: string; readonly destination: string; readonly maxHeld: number }
  | {
      readonly name: 'unrouted';
      readonly channel: string;
      readonly after: number;
      readonly limit: number;
      readonly maxBytes: number;
    }
  | { readonly name: 'countRecovery'; readonly channel: string; readonly seq: number }
  | { readonly name: 'audit'; readonly entry: AuditEntry }
  | { readonly name: 'state'; readonly key: string }
  | { readonly name: 'setState'; readonly key: string; readonly value: string }
  | { readonly name: 'prune'; readonly channel: string; readonly policy: PrunePolicy; readonly cursor: PruneCursor }
  | { readonly name: 'usage' }
  | { readonly name: 'scrub' };

/** Where a pruning has come to. */
export interface PruneCursor {
  readonly phase: 'later' | 'contents' | 'messages';
  readonly after: number;
}

export interface PruneStep {
  readonly contents: number;
  readonly messages: number;
  readonly next?: PruneCursor;
}

/** What the writer's thread is sent: the calls of one turn of the event loop. */
export interface WriterBatch {
  readonly slab: SharedArrayBuffer;
  readonly plain: readonly WriterCall[];
  readonly names: readonly (readonly [number, string])[];
  readonly now: number;
}

/** What it answers after a commit: pairs of call id and first seq, and what needs more words. */
export interface WriterReply {
  readonly done: Float64Array;
  readonly values: readonly (readonly [id: number, value: unknown])[];
  readonly errors: readonly (readonly [id: number, error: ErrorRecord])[];
}

export interface StoreFiles {
  readonly directory: string;
  readonly maxBacklogBytes: number;
  readonly lowWaterBytes: number;
  readonly reserveBytes: number;
  readonly walBytes: number;
  readonly scrubAfterMs: number;
  /** Bounds the database file; for tests of a full disk. */
  readonly maxDatabaseBytes?: number;
}

export interface WriterOpened {
  readonly epoch: number;
  readonly names: readonly (readonly [number, string])[];
}

/** What both threads of a store share of an open database. */
export interface TextsById {
  readonly db: DatabaseSync;
  text(id: number): string;
}
