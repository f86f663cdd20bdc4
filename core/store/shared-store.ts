import type { ErrorRecord } from '../errors.ts';
import type { Fence, Leases } from './leases.ts';
import type { MessageStatus, Recovered, StoredMessage } from './stored-message.ts';

/** An unrouted message of a store that several hubs have open. */
export interface SharedMessage extends StoredMessage {
  /** This opening stored it. */
  readonly own: boolean;
}

/** Which unrouted messages are read. */
export interface SharedPage {
  /** `foreign`: those only that other openings stored, where all that this one stored is in memory. */
  readonly of: 'all' | 'foreign';
  /** Those that are in memory: asked for when the page is read. */
  readonly known: () => readonly number[];
  readonly limit: number;
  readonly maxBytes: number;
}

/** What became of a message that another hub processes. */
export interface OutcomeElsewhere {
  /** The worst of its parts, or of those asked about; `queued` while one of them waits. */
  readonly status: Exclude<MessageStatus, 'received'>;
  readonly error?: ErrorRecord;
  /** What the destination answered that `replyFrom` names, where the channel keeps replies. */
  readonly reply?: Uint8Array;
}

export interface OutcomeQuestion {
  /** Destinations that count; all of them if not given. */
  readonly ackOn?: readonly string[];
  /** The destination whose reply is wanted; it is the only one that counts then. */
  readonly replyFrom?: string;
}

/** What other hubs told: the subject of each notice since one that was seen before, oldest first. */
export interface Notices {
  /** The last notice there is: what to ask from the next time. */
  readonly upTo: number;
  /** Undefined: some are not kept any more, so anything may have changed. */
  readonly subjects: readonly string[] | undefined;
}

/**
 * What a store does beyond `MessageStore` where several hubs have it open (rule 29). Any of them appends; only the hub that has the
 * lease of a channel settles its messages and changes their parts, and names the lease as the fence of each such write. A write
 * whose fence is not in force is rejected with HubError `lease-lost` and changes nothing.
 *
 * `seq` is given out within the transaction that appends: what is stored after another message was acknowledged has a higher seq than
 * it, wherever the two were received. A lower one may become visible after a higher one; then neither came before the other.
 */
export interface SharedStore {
  /** The name this hub has in the store. */
  readonly hub: string;
  readonly leases: Leases;

  /** Which of these channels have unrouted messages that other hubs stored. */
  foreign(channels: readonly string[]): Promise<ReadonlySet<string>>;

  /**
   * The lowest unrouted messages of a channel that are not among `known`, in order of seq: at most `limit`, and about `maxBytes`. Who gets
   * them has heard of every write that they know of, also of one that was called later, and of none that began after they were read. A
   * page with fewer than `limit` rows and below `maxBytes` is all there is.
   */
  unrouted(channel: string, page: SharedPage): Promise<readonly SharedMessage[]>;

  /**
   * As `MessageStore.countRecoveries`, of messages up to a seq: whoever has the lease may have begun them, whichever hub stored them.
   * Counts a message once per epoch of the lease. Rejects with `lease-lost`.
   */
  countRecoveries(channel: string, upTo: number, limit: number, fence: Fence): Promise<readonly Recovered[]>;

  /** How messages of a channel ended that were routed; those that were not are left out. */
  outcomes(
    channel: string,
    seqs: readonly number[],
    question: OutcomeQuestion,
  ): Promise<ReadonlyMap<number, OutcomeElsewhere>>;

  /** Tells every other hub that something changed: a wish about a channel, rows of a queue. */
  announce(subjects: readonly string[]): Promise<void>;
  /** What other hubs announced after the notice `after`; with undefined only where notices stand. */
  notices(after: number | undefined): Promise<Notices>;
}
