import type { DatabaseSync } from 'node:sqlite';
import type { ErrorRecord } from '../../errors.ts';
import type { DailyCounts, DailyQuery } from '../daily-counts.ts';
import type { Lane, LaneQuery } from '../lane.ts';
import type {
  AuditEntry,
  AuditQuery,
  ChannelCounts,
  MessageContent,
  MessagePage,
  MessageQuery,
  PartChange,
  PartPosition,
  PrunePolicy,
  StoredAuditEntry,
} from '../message-store.ts';
import type { OpenErrorPage, OpenErrorQuery } from '../open-error.ts';

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
  | { readonly name: 'countRecoveries'; readonly channel: string; readonly limit: number }
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

/** In `WriterReply.done`, instead of a first seq. */
export const answeredElsewhere = { value: -1, error: -2 } as const;

/**
 * What it answers after a commit, in the order of the calls: pairs of call id and first seq (0: nothing to say), or a mark that
 * the next of the values, or of the errors, is the answer.
 */
export interface WriterReply {
  readonly done: Float64Array;
  readonly values: readonly unknown[];
  readonly errors: readonly ErrorRecord[];
}

export interface StoreFiles {
  readonly directory: string;
  readonly maxBacklogBytes: number;
  readonly lowWaterBytes: number;
  readonly reserveBytes: number;
  readonly walBytes: number;
  readonly scrubAfterMs: number;
  /** Of the days of `dailyCounts`. */
  readonly timeZone: string;
  /** Bounds the database file; for tests of a full disk. */
  readonly maxDatabaseBytes?: number;
}

/** The first message to the writer's thread; answered with `WriterOpened` as the value of call `id`. */
export interface WriterOpening {
  readonly id: number;
  readonly files: StoreFiles;
  readonly now: number;
}

export interface WriterOpened {
  readonly epoch: number;
  readonly names: readonly (readonly [number, string])[];
}

/** Calls that run on the reader's thread: reads of people and programs. */
export interface ReaderCalls {
  /** Opens the database that the writer has made. */
  open(directory: string): void;
  find(query: MessageQuery): MessagePage;
  content(id: string): MessageContent | undefined;
  counts(): readonly ChannelCounts[];
  dailyCounts(query: DailyQuery): readonly DailyCounts[];
  openErrors(query: OpenErrorQuery): OpenErrorPage;
  lanes(query: LaneQuery): readonly Lane[];
  auditTrail(query: AuditQuery): readonly StoredAuditEntry[];
}

/** What both threads of a store share of an open database. */
export interface TextsById {
  readonly db: DatabaseSync;
  text(id: number): string;
}
