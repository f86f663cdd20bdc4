import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { Arrival } from '../../core/message.ts';
import type { Receipt } from '../../core/outcome.ts';
import type { Refusal } from './refusal.ts';

export interface Answer {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Uint8Array;
}

/** What an adapter makes of the requests that its server gets. */
export interface HttpService {
  /** By the head of a request alone: what will be done with its body, or the answer to one whose body is of no interest. Throws Refusal. */
  admit(request: IncomingMessage, peer: string): Admitted | Answer;
  /** The answer to a request that is not taken. */
  refused(refusal: Refusal, request: IncomingMessage): Answer;
}

export interface Admitted {
  /** The body is packed by gzip. */
  readonly packed: boolean;
  /** What a whole, unpacked body gives. Throws Refusal. */
  read(body: Buffer): Taken | Promise<Taken>;
}

/** The messages of one request. */
export interface Taken {
  readonly arrivals: readonly Arrival[];
  /** With one receipt for each, when they have reached the channel's `ackAfter`. */
  answer(receipts: readonly Receipt[]): Answer;
}
