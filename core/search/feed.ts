import type { Meta } from '../format.ts';
import type { ContentLevel, MessageSummary } from '../store/message-store.ts';

/**
 * What the search index reads of a message store, from the index's own thread and by a connection of its own: the store's writer
 * and the hub's main thread have no part in it. Calls are synchronous; each sees what was committed before it.
 */
export interface Feed extends Disposable {
  /** Of the store itself: an index of another store is worth nothing. */
  readonly storeId: string;
  /** Counts openings of the store: one that is lower than before was put back from a backup. */
  readonly epoch: number;
  /** The highest seq that a message of the store has had. */
  readonly last: number;
  /**
   * Messages with seq above `after` in order of seq, at most `limit` of them and about `maxBytes` of content. Nothing up to `upTo` is
   * missing, and nothing will be committed below it any more; it is `after` where there is nothing new.
   */
  after(after: number, limit: number, maxBytes: number): FeedPage;
  /** Whether the first pass of the message has not ended. */
  isOpen(ref: MessageRef): boolean;
  /** Undefined where it was pruned. */
  message(ref: MessageRef): FeedMessage | undefined;
  summary(ref: MessageRef): MessageSummary | undefined;
  /** The message of that id. */
  ref(id: string): MessageRef | undefined;
  /** Messages that are replays of this one. */
  replaysOf(id: string): readonly MessageRef[];
  /** Undefined for a channel that the store has nothing of. */
  channel(name: string): number | undefined;
  /** Seqs, both inclusive, outside of which no message was received within [from, to); undefined where there is none. */
  range(from: number, to: number): { readonly first: number; readonly last: number } | undefined;
  /** Counts what is left between two seqs, both inclusive, no further than `atMost`. */
  left(first: number, last: number, atMost: number): { readonly messages: number; readonly contents: number };
}

/** A message's place. Channels are numbered by the feed, and keep their number. */
export interface MessageRef {
  readonly seq: number;
  readonly channel: number;
}

export interface FeedPage {
  readonly messages: readonly FeedMessage[];
  readonly upTo: number;
  /** The page is full, more or less: the next is worth reading at once. */
  readonly more: boolean;
}

export interface FeedMessage extends MessageRef {
  readonly id: string;
  readonly receivedAt: number;
  readonly meta: Meta;
  /** The key that the source gave it. */
  readonly key?: string;
  /** Without the large values that are kept beside it. Absent where the content level or pruning left none. */
  readonly raw?: Uint8Array;
  /** Absent until the first pass has ended. */
  readonly settled?: {
    /** Absent for a fault, which has no channel definition's. */
    readonly level?: ContentLevel;
    /** What was, or will be, written; none for parts that were filtered. */
    readonly parts: readonly FeedPart[];
  };
}

export interface FeedPart {
  readonly destination: string;
  readonly n: number;
  /** The idempotency key of this one effect (rule 22). */
  readonly effectId: string;
  readonly bytes?: Uint8Array;
  readonly reply?: Uint8Array;
}
