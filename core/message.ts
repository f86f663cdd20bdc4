import type { HubError } from './errors.ts';
import type { Meta } from './format.ts';

/** One message on its way through a channel. Frozen: a step returns a new payload, it never changes the one it was given. */
export interface Message<T> {
  /** UUIDv7: identity, never order. */
  readonly id: string;
  /** Order within the channel, assigned by the store; a safe integer (at 20,000 messages a second it lasts 14,000 years). */
  readonly seq: number;
  readonly channel: string;
  /** Messages that share a key stay in order. */
  readonly keys: readonly [string, ...string[]];
  /** Milliseconds since the epoch; the clock of every step (rule 6). */
  readonly receivedAt: number;
  /** The definition that transformed it. */
  readonly version: string;
  /** The id of the message of which this is a replay. */
  readonly replayOf?: string;
  readonly meta: Meta;
  readonly payload: T;
}

/** A message as one destination gets it. */
export interface Outgoing<T> extends Message<T> {
  /** `messageId/destination/n`: the idempotency key of this one effect (rule 22). A retry has the same, a replay another. */
  readonly effectId: string;
  /** 1 for the first. */
  readonly attempt: number;
  /** The payload in its format. Every retry has these very bytes (rule 5). */
  readonly bytes: Uint8Array;
}

/** What an adapter hands over: bytes, and what only the wire knew. */
export interface Arrival {
  readonly raw: Uint8Array;
  /** For sources that know the key without decoding (a device id, a topic's key). */
  readonly key?: string;
  /** Identity as the sender sees it, e.g. MSH-3/4 and MSH-10 (rule 14). Only looked at where the channel detects duplicates. */
  readonly dedupeKey?: string;
  /** What of the raw bytes counts as content when two arrivals have one dedupe key; all of `raw` if not given. */
  readonly contentHash?: string;
  readonly meta?: Meta;
  /** A framing fault: kept in quarantine, never dispatched. */
  readonly fault?: HubError;
}
