import type { HubError } from '../errors.ts';
import type { MessageSummary, PartSummary } from '../store/message-store.ts';
import type { Facts } from './extractor.ts';

/**
 * Finds messages by what is in them, over every channel: identifiers always, free text by choice. It reads the message store behind
 * the hub's back and lags behind it by less than a second or two; what it has can always be made again from the store.
 */
export interface SearchIndex extends AsyncDisposable {
  /**
   * Resolves with messages on one timeline. Rejects with `not-allowed` for free text, or a path, where that is off, and with
   * `search-failed`, also once the signal is aborted. Whoever calls it writes the audit trail: facts are of content.
   */
  find(query: SearchQuery, signal?: AbortSignal): Promise<Found>;
  status(): Promise<SearchStatus>;
  /** Resolves when the index has lost its thread: nothing can be found until the hub starts again. Everything else goes on. */
  readonly failed: Promise<HubError>;
}

export interface SearchQuery {
  /** An identifier as somebody has typed or pasted it, three characters or more of free text, or all of the value at `path`. */
  readonly text: string;
  readonly in: 'identifiers' | 'text' | 'path';
  /** Of the message's format, where `in` is `path`: `PID-5.1`. */
  readonly path?: string;
  readonly channel?: string;
  /** Of receipt, milliseconds since the epoch, inclusive. */
  readonly from?: number;
  /** Exclusive. */
  readonly to?: number;
  /** Messages at most that are found by the text, the newest of them; and as many again that are joined to these. */
  readonly limit: number;
}

export interface Found {
  /** In order of receipt. */
  readonly hops: readonly Hop[];
  /** There is more than was asked for, or than could be looked at. */
  readonly more: boolean;
  /** When the first message was received that is not indexed yet: what came from then on is not found. Absent where all is. */
  readonly indexedUpTo?: number;
}

/** A message on its way through one channel, and what became of it there. */
export interface Hop extends Omit<MessageSummary, 'parts'> {
  /** Why it is here: found by the text, or joined to one that was, by a replay or through a topic. */
  readonly by: 'text' | 'replay' | 'topic';
  readonly facts: Facts;
  readonly parts: readonly (PartSummary & { readonly facts: Facts })[];
}

export interface SearchStatus {
  /** Age of the oldest message that is not indexed, milliseconds. */
  readonly lagMs: number;
  /** Every message up to this seq is indexed. */
  readonly position: number;
  /** Indexed messages whose first pass has not ended: what they will be sent is not indexed yet. */
  readonly open: number;
  /** Messages since the start that could not be read for their identifiers. */
  readonly unread: number;
  readonly days: number;
  /** Bytes on disk. */
  readonly bytes: number;
  /** Days whose file was in doubt and is being made again from the store. */
  readonly rebuilding: readonly string[];
  /** Why nothing is being indexed at the moment. */
  readonly error?: string;
}
