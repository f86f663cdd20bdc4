// Over 300 lines: one contract with the shapes that go in and out of it; who implements or calls it reads them side by side.
import type { ErrorRecord } from '../errors.ts';
import type { Meta } from '../format.ts';
import type { DailyCounts, DailyQuery } from './daily-counts.ts';
import type { Lane, LaneQuery } from './lane.ts';
import type { Fence } from './leases.ts';
import type { OpenErrorPage, OpenErrorQuery } from './open-error.ts';
import type { SharedStore } from './shared-store.ts';
import type { MessageStatus, Recovered, StoredMessage } from './stored-message.ts';

export type { MessageStatus, Recovered, StoredMessage } from './stored-message.ts';

/**
 * The store of record of messages: what was received, how each destination fared with it, and the work that is left.
 *
 * A message begins `received` (commit 1 of rule 5: raw, meta, seq and the dedupe row). Its first pass ends with one settlement,
 * which names a part for every destination × output: sent, filtered, error, or queued. Queued parts hold frozen bytes and are
 * the store's queue: `ready` to be sent, `waiting` until a time, or `blocked` behind an earlier part with the same key
 * (rule 20). When no part is queued the message is settled.
 *
 * Every write resolves after its fsync; writes called in one turn of the event loop may share a commit, and take effect in call
 * order. Writes and reads of the queue and of unrouted messages are answered in call order, too: who gets a page of rows has heard
 * of every write before it, and of none after it. Every read sees what was committed before it was called. Byte arrays handed over
 * must not be changed afterwards.
 */
export interface MessageStore extends AsyncDisposable {
  /** Counts openings of this store: the epoch of writes made under it. */
  readonly epoch: number;
  /** That of the days of `dailyCounts`. */
  readonly timeZone: string;
  /** Where several hubs have the store open; without it there is one. A `fence` is looked at by shared stores only. */
  readonly shared?: SharedStore | undefined;

  /** `seq` increases within the channel in call order, also across a restart. Rejects with `store-full` or `store-failed`. */
  append(channel: string, batch: readonly NewMessage[]): Promise<readonly Appended[]>;

  /**
   * Ends the first pass of messages; the counts of the channel move in the same commit. A message that has a settlement, or that
   * the channel does not have, is left alone: settling twice settles once. With `mayWait` nobody waits for it, and the store may keep
   * it back for some milliseconds, until the next call, to save a commit of its own.
   */
  settle(channel: string, batch: readonly Settlement[], mayWait?: boolean, fence?: Fence): Promise<void>;

  /**
   * Changes parts, all of the call in one commit. A part that is no longer in the status a change names is left alone: acting
   * twice acts once. So is an error that is to be queued again but has no frozen bytes (it failed before it was encoded, or its
   * content level is `metadata`). The queue's time of an error that is queued again starts anew. Without a fence it is a change by
   * people, which any hub may make.
   */
  update(channel: string, changes: readonly PartChange[], fence?: Fence): Promise<void>;

  /**
   * The lowest `limit` blocked parts of this key become ready: `parts`, in order. Ends before a part that has a waiting or blocked
   * part before it in any of its keys: one of several keys stays held until all are free. `next` is the lowest waiting or
   * blocked part of the key that is left, if any.
   */
  unblock(channel: string, destination: string, key: string, limit: number, fence?: Fence): Promise<Unblocked>;

  /** Ready parts with (seq, n) above `after`, in order, at most `limit` of them and about `maxBytes` of content. */
  ready(
    channel: string,
    destination: string,
    after: PartPosition,
    limit: number,
    maxBytes: number,
  ): Promise<readonly QueuedPart[]>;

  /** Waiting parts whose time has come, earliest first, at most `limit`. They stay `waiting`. */
  due(channel: string, destination: string, now: number, limit: number): Promise<DueParts>;

  /** What of a destination's queue must be known before it starts: counts, and for each key that is not free its lowest queued part. */
  queueState(channel: string, destination: string, maxHeld?: number): Promise<QueueState>;

  /** Messages without a settlement with seq above `after`, in order: what recovery and a backlogged channel read. */
  unrouted(channel: string, after: number, limit: number, maxBytes: number): Promise<readonly StoredMessage[]>;

  /**
   * Of the messages that were stored before this opening and whose first pass has not ended, the first `limit` in order of seq:
   * adds one to the recoveries of each, in one commit, and resolves with the new counts (rule 21). Counts a message once per
   * opening, however often it is called.
   */
  countRecoveries(channel: string, limit: number): Promise<readonly Recovered[]>;

  // Reads of people and programs. Those of content name an actor and a reason, and are on the audit trail (rule 33).
  find(query: MessageQuery): Promise<MessagePage>;
  content(id: string, reader: Reader): Promise<MessageContent | undefined>;
  counts(): Promise<readonly ChannelCounts[]>;
  /** How what was received on some days stands. In order of day, channel, and destination or type; nothing for days of which nothing is known. */
  dailyCounts(query: DailyQuery): Promise<readonly DailyCounts[]>;
  openErrors(query: OpenErrorQuery): Promise<OpenErrorPage>;
  /**
   * What waits behind a key, of each destination, and the key's open dead letters; with it the lane of all messages of
   * destinations that have parts in it. A key identifies a patient: the reading is on the audit trail, where the key is a hash.
   */
  lanes(query: LaneQuery, reader: Reader): Promise<readonly Lane[]>;
  audit(entry: AuditEntry): Promise<void>;
  auditTrail(query: AuditQuery): Promise<readonly StoredAuditEntry[]>;

  // Small durable state of the hub: desired channel states, deployed revisions.
  state(name: string): Promise<string | undefined>;
  setState(name: string, value: string, fence?: Fence): Promise<void>;

  /**
   * Deletes content and messages past their age in small steps beside live traffic; never what is unsettled or an open error.
   * Resolves with what it deleted when nothing is left to delete or the signal aborts.
   */
  prune(channel: string, policy: PrunePolicy, signal?: AbortSignal): Promise<Pruned>;

  usage(): Promise<StoreUsage>;
}

export interface NewMessage {
  /** UUIDv7. */
  readonly id: string;
  readonly raw: Uint8Array;
  readonly meta: Meta;
  readonly receivedAt: number;
  /** Where set, a message of this channel with the same key and the same content hash is a duplicate (rule 14). */
  readonly dedupe?: { readonly key: string; readonly contentHash: string };
  /** The arrival's own key, where the adapter knew one. */
  readonly key?: string;
  /** A fault is stored settled, as an open error without destinations. */
  readonly fault?: ErrorRecord;
  readonly replayOf?: string;
  /** Destinations a replay is for; all if not given. */
  readonly only?: readonly string[];
  /** Ranges of `raw` kept beside the row (attachments); `content` and `unrouted` put them back. */
  readonly large?: readonly (readonly [number, number])[];
}

export type Appended =
  | {
      readonly seq: number;
      /**
       * Of a shared store, where this hub has the channel's lease: the commit found unrouted messages that other hubs had stored. Who sent
       * one of them may have waited for its acknowledgement before sending this one, so they go first.
       */
      readonly foreign?: boolean;
    }
  | {
      readonly duplicateOf: { readonly id: string; readonly seq: number; readonly status: MessageStatus };
    };

export type PartStatus = 'queued' | 'error' | 'sent' | 'filtered';
export type QueuedStatus = 'ready' | 'waiting' | 'blocked';

/** How much of a settled message is kept (rule 8): raw, sent and reply bytes; raw only; or neither. */
export type ContentLevel = 'full' | 'raw' | 'metadata';

export interface Settlement {
  readonly seq: number;
  /** The definition it was transformed with. */
  readonly version: string;
  /**
   * Applied when no part is queued any more. `raw` keeps the frozen bytes of an open error until it is closed, so that it can be
   * retried; `metadata` leaves no content behind, the write-ahead log included, and an error of it can only be resolved.
   */
  readonly content: ContentLevel;
  /** The message failed before it had parts: decode, filter or key. */
  readonly error?: ErrorRecord;
  /** The message's type as reports group by it, e.g. `ADT^A01`. */
  readonly type?: string;
  /** Meta found while routing, merged over what it arrived with: control id, patient id … */
  readonly meta?: Meta;
  readonly parts: readonly Part[];
}

export type Part =
  | { readonly destination: string; readonly n: number; readonly status: 'filtered' }
  | {
      readonly destination: string;
      readonly n: number;
      readonly status: 'sent';
      readonly sentAt: number;
      readonly attempts: number;
      readonly bytes?: Uint8Array;
      readonly reply?: Uint8Array;
    }
  | {
      readonly destination: string;
      readonly n: number;
      readonly status: 'error';
      readonly error: ErrorRecord;
      readonly attempts: number;
      readonly keys: readonly string[];
      readonly bytes?: Uint8Array;
      readonly reply?: Uint8Array;
    }
  | {
      readonly destination: string;
      readonly n: number;
      readonly status: 'queued';
      readonly queued: QueuedStatus;
      readonly attempts: number;
      readonly keys: readonly string[];
      readonly bytes: Uint8Array;
      /** For `waiting`. */
      readonly retryAt?: number;
      /** Why it was not sent, where it was tried. */
      readonly error?: ErrorRecord;
    };

export interface Unblocked {
  /** What was made ready, in order. */
  readonly parts: readonly PartPosition[];
  /** All keys of those parts: a part with several keys stands in the way of each. */
  readonly keys: readonly string[];
  readonly next?: PartPosition;
}

/** The place of a part in its destination's queue. */
export interface PartPosition {
  readonly seq: number;
  readonly n: number;
}

export interface PartName extends PartPosition {
  readonly destination: string;
}

/**
 * `from` is the status it must have for the change to apply. `ready` from `error` is a retry of a dead letter. The destination
 * `''` with n 0 stands for the error of a message that failed before it had parts, a fault included: it can be `resolved`.
 */
export type PartChange = PartName & { readonly from: 'queued' | 'error' } & (
    | { readonly to: 'sent'; readonly sentAt: number; readonly attempts: number; readonly reply?: Uint8Array }
    | { readonly to: 'error'; readonly error: ErrorRecord; readonly attempts: number; readonly reply?: Uint8Array }
    | { readonly to: 'waiting'; readonly error?: ErrorRecord; readonly attempts: number; readonly retryAt: number }
    | { readonly to: 'blocked' }
    | { readonly to: 'ready'; readonly attempts?: number }
    /** A dead letter is closed by somebody, for a reason, so that the count of open errors returns to zero (rule 17). */
    | { readonly to: 'resolved'; readonly by: Reader }
  );

export interface QueuedPart extends PartName {
  readonly id: string;
  readonly receivedAt: number;
  readonly version: string;
  readonly replayOf?: string;
  readonly meta: Meta;
  readonly keys: readonly string[];
  readonly attempts: number;
  readonly firstQueuedAt: number;
  readonly retryAt?: number;
  readonly bytes: Uint8Array;
}

export interface DueParts {
  readonly rows: readonly QueuedPart[];
  /** The earliest time among the waiting parts that are not in `rows`. */
  readonly nextRetryAt: number | undefined;
}

export interface QueueState {
  readonly ready: number;
  readonly waiting: number;
  readonly blocked: number;
  readonly bytes: number;
  readonly oldest?: number;
  readonly nextRetryAt?: number;
  /** For every key that has a waiting or blocked part: the lowest of its queued parts. At most `maxHeld` of them (10,001 if not given). */
  readonly held: readonly { readonly key: string; readonly head: PartPosition }[];
}

/** Who looks at content, or acts on it, and why. */
export interface Reader {
  readonly actor: string;
  readonly reason: string;
  readonly ticket?: string;
}

export interface MessageQuery {
  readonly channel?: string;
  readonly destination?: string;
  /** Of the destination where one is named, else of the message. */
  readonly status?: MessageStatus | 'open-error';
  readonly id?: string;
  /** Exact match of meta fields, e.g. `hl7.controlId`. */
  readonly meta?: Meta;
  /** Milliseconds since the epoch, inclusive. */
  readonly from?: number;
  /** Exclusive. */
  readonly to?: number;
  readonly replayOf?: string;
  readonly limit: number;
  /** In order of seq, newest first unless `ascending`. */
  readonly ascending?: boolean;
  /** That of the page before; whatever arrived or was pruned since, no message is seen twice. */
  readonly cursor?: string;
}

/** A page may be short, or empty, and still have a cursor: a search looks at a bounded number of messages at a time. */
export interface MessagePage {
  readonly messages: readonly MessageSummary[];
  readonly cursor?: string;
}

export interface MessageSummary {
  readonly id: string;
  readonly seq: number;
  readonly channel: string;
  readonly receivedAt: number;
  readonly status: MessageStatus;
  readonly type?: string;
  readonly version?: string;
  readonly replayOf?: string;
  readonly meta: Meta;
  readonly size: number;
  /** Why it failed before it had parts, and who closed that error. */
  readonly error?: ErrorRecord;
  readonly resolved?: Resolution;
  readonly parts: readonly PartSummary[];
}

export interface PartSummary {
  readonly destination: string;
  readonly n: number;
  readonly status: PartStatus;
  readonly queued?: QueuedStatus;
  /** Of parts that are queued or were dead letters: the lanes they are in. */
  readonly keys?: readonly string[];
  readonly attempts: number;
  readonly sentAt?: number;
  readonly retryAt?: number;
  readonly error?: ErrorRecord;
  readonly resolved?: Resolution;
}

/** Who closed an open error, when and why (rule 17). */
export interface Resolution extends Reader {
  readonly at: number;
}

export interface MessageContent extends MessageSummary {
  /** Absent where the content level or pruning left none. */
  readonly raw?: Uint8Array;
  readonly contents: readonly {
    readonly destination: string;
    readonly n: number;
    readonly bytes?: Uint8Array;
    readonly reply?: Uint8Array;
  }[];
}

export interface ChannelCounts {
  readonly channel: string;
  /** Messages since the channel was first deployed; pruning does not change them. */
  readonly received: number;
  readonly duplicates: number;
  /** Messages that had the dedupe key of an earlier one, and other content (rule 14). */
  readonly reusedKeys: number;
  /** Messages that ended without an error and without parts: dropped by the channel's own filter. */
  readonly filtered: number;
  /** Messages that failed before they had parts, ever; and those still open. */
  readonly errored: number;
  readonly openErrors: number;
  readonly unrouted: number;
  readonly destinations: readonly {
    readonly destination: string;
    readonly filtered: number;
    readonly sent: number;
    /** Parts that became dead letters, ever; and those still open. */
    readonly errored: number;
    readonly openErrors: number;
    readonly queued: number;
  }[];
}

export interface AuditEntry extends Reader {
  readonly at: number;
  readonly action: string;
  /** Ids of what it concerned: messages, channels. */
  readonly subject: string;
}

export interface AuditQuery {
  readonly limit: number;
  readonly before?: number;
  /** Leaves out who read what: the action `find`, and those that begin with `read `. */
  readonly changes?: boolean;
}

/** `hash` covers the entry and the hash before it, so that a change of the trail shows. */
export interface StoredAuditEntry extends AuditEntry {
  readonly n: number;
  readonly hash: string;
}

export interface PrunePolicy {
  /** Content of messages received before it is deleted; the summary stays. */
  readonly contentBefore: number;
  /** Messages received before it are deleted. */
  readonly messagesBefore: number;
  /** Rows deleted in one step. */
  readonly step?: number;
}

export interface Pruned {
  readonly contents: number;
  readonly messages: number;
}

export interface StoreUsage {
  /** Bytes the store takes on disk, its reserve not counted. */
  readonly bytes: number;
  /** Bytes free on its disk, where that can be known. */
  readonly diskFree?: number;
  /** Raw bytes of messages that are not settled, and frozen bytes of queued parts. */
  readonly backlogBytes: number;
  /** Set while appends are refused: there is no room, or none for what came last. */
  readonly full?: boolean;
}
