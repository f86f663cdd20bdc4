import type { Meta } from '../format.ts';

/** How a message stands: the worst of its parts; `received` before its first pass ended. */
export type MessageStatus = 'received' | 'queued' | 'error' | 'sent' | 'filtered';

export interface StoredMessage {
  readonly id: string;
  readonly seq: number;
  readonly raw: Uint8Array;
  readonly meta: Meta;
  readonly receivedAt: number;
  readonly key?: string;
  readonly replayOf?: string;
  readonly only?: readonly string[];
  readonly recoveries: number;
}

export interface Recovered {
  readonly seq: number;
  /** Openings of the store that found this message without a settlement. */
  readonly recoveries: number;
}
