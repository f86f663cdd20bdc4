import type { Socket } from 'node:net';
import { HubError } from '../../core/errors.ts';
import { type Framed, MllpDecoder } from '../../protocols/mllp/decoder.ts';

/** An acknowledgement is a few hundred bytes; a query's response can be long. */
const MAX_REPLY_BYTES = 64 * 1024 ** 2;

/**
 * What is waited for. `take` sees each frame that comes and says whether that was it; `fail` is called at most once, when the
 * connection broke first.
 */
export interface Waiting {
  take(framed: Framed): 'done' | 'more';
  fail(error: HubError): void;
}

/**
 * Whether a frame that nobody waits for may be passed over. `unanswered`: a message was sent on this connection that asked for
 * no answer; some receivers answer all the same.
 */
export type IsLate = (framed: Framed, unanswered: boolean) => boolean;

/** A connection that carries one message at a time. What comes when nothing is waited for ends it, unless `isLate` knows it. */
export class Link {
  readonly #socket: Socket;
  readonly #isLate: IsLate;
  readonly #decoder = new MllpDecoder(MAX_REPLY_BYTES);
  #waiting: Waiting | undefined;
  #unanswered = false;

  constructor(socket: Socket, keepAliveMs: number, isLate: IsLate, gone: () => void) {
    this.#socket = socket;
    this.#isLate = isLate;
    socket.setNoDelay(true);
    if (keepAliveMs > 0) socket.setKeepAlive(true, keepAliveMs);
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    // Whatever it was that broke, 'close' follows.
    socket.on('error', () => undefined);
    socket.on('end', () => socket.destroy());
    socket.on('close', () => {
      gone();
      this.#fail(
        new HubError('connection-lost', 'transient', 'awaiting the answer: the connection was closed', DESTINATION),
      );
    });
  }

  /** False once it can carry no more messages. */
  get usable(): boolean {
    return !this.#socket.destroyed && this.#socket.writable;
  }

  /** Writes one frame; its fate is told to `waiting`. `written` is called when the frame has left this process. */
  send(frame: Buffer, waiting: Waiting, written?: () => void): void {
    this.#waiting = waiting;
    this.#socket.write(frame, (error) => {
      if (!error) written?.();
    });
  }

  /** No answer is waited for after all; the connection stays. */
  rest(): void {
    this.#waiting = undefined;
    this.#unanswered = true;
  }

  /** Who waits is told, soon after, that the connection broke. */
  destroy(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    const framed = this.#decoder.decode(chunk);
    for (const content of framed) {
      if (this.#waiting) {
        if (this.#waiting.take(content) === 'done') this.#waiting = undefined;
      } else if (!this.#isLate(content, this.#unanswered)) {
        this.#socket.destroy();
        return;
      }
    }
    // Nobody waits, and yet a frame has begun, or bytes that will be none.
    if (!this.#waiting && !this.#decoder.atRest) this.#socket.destroy();
  }

  #fail(error: HubError): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.fail(error);
  }
}

const DESTINATION = { scope: 'destination' } as const;
