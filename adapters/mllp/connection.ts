import type { Socket } from 'node:net';
import { asHubError, HubError } from '../../core/errors.ts';
import type { FaultQuota } from '../../core/fault-quota.ts';
import type { Receipt } from '../../core/outcome.ts';
import type { Intake, SourceContext } from '../../core/source.ts';
import { type Framed, FrameFault, MllpDecoder } from '../../protocols/mllp/decoder.ts';
import { frameText } from '../../protocols/mllp/encoder.ts';
import type { Acknowledger } from './acknowledger.ts';
import type { MllpSourceConfig } from './config.ts';
import { beginExchange, type Exchange } from './exchange.ts';
import type { Flushable, Flusher } from './flusher.ts';
import { Replies, type RepliesOwner } from './replies.ts';

/** So long a message waits for room before its sender is let go: less than the 30 s that senders wait for an answer. */
const ROOM_MS = 20_000;
/** How often a connection looks whether that time is over. */
const LOOK_MS = 5_000;
/** So long the far end has to close after we did. */
const LINGER_MS = 2_000;

/** What the connections of one source share. */
export interface Shared {
  readonly config: MllpSourceConfig;
  readonly context: SourceContext;
  readonly intake: Intake;
  readonly acknowledger: Acknowledger;
  readonly quota: FaultQuota;
  readonly flusher: Flusher;
  readonly halt: AbortSignal;
}

/**
 * One connection: reads no further while the intake has no room, while too many replies are owed, or while the far end does
 * not read those it gets; at most one chunk waits here meanwhile.
 */
export class Connection implements Flushable, RepliesOwner {
  readonly peer: string;
  /** Resolves when the socket is closed, however it came to it. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #shared: Shared;
  readonly #decoder: MllpDecoder;
  readonly #replies: Replies;
  /** Read, but not looked at: it came while there was no room. */
  #held: Buffer | undefined;
  #accepting = false;
  /** Nothing more is taken in; what is owed still goes out. */
  #leaving = false;
  #peerEnded = false;
  #ending = false;
  #closeDelayMs = 0;
  #lastHeard: number;
  #cancelTimer: (() => void) | undefined;
  #cancelLook: (() => void) | undefined;
  /** Aborts when the message that waits for room has waited long enough. */
  #waited = new AbortController();
  #stopWaiting: AbortSignal;

  constructor(socket: Socket, peer: string, shared: Shared) {
    const { config, context } = shared;
    this.#socket = socket;
    this.peer = peer;
    this.#shared = shared;
    this.#decoder = new MllpDecoder(config.maxMessageBytes);
    this.#replies = new Replies(shared.acknowledger, context.ackAfter, this);
    this.#lastHeard = context.clock.monotonic();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.#stopWaiting = AbortSignal.any([shared.halt, this.#waited.signal]);
    // A sender may close its half after its last message and still wait for the answer.
    socket.allowHalfOpen = true;
    socket.setNoDelay(true);
    if (config.keepAliveMs > 0) socket.setKeepAlive(true, config.keepAliveMs);
    socket.on('error', () => context.count('mllp_connection_errors_total'));
    socket.on('close', () => {
      this.#leaving = true;
      this.#held = undefined;
      this.#cancelTimer?.();
      this.#cancelLook?.();
      resolve();
    });
    socket.on('drain', () => this.#goOn());
    socket.on('end', () => {
      this.#peerEnded = true;
      this.#goOn();
    });
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    if (config.idleTimeoutMs !== undefined) this.#watchIdle(config.idleTimeoutMs);
    this.#lookAgain();
    socket.resume();
  }

  /** Stops reading, answers what is owed, closes. */
  drain(): void {
    this.#leaving = true;
    this.#held = undefined;
    this.#socket.pause();
    this.#endWhenDone();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Writes the replies that are due, in one piece. */
  flush(): void {
    const replies: string[] = [];
    const open = this.#replies.takeDue(replies);
    if (replies.length > 0 && this.#socket.writable) this.#socket.write(replies.map(frameText).join(''), 'latin1');
    if (open) this.#goOn();
    else this.#closeUnanswered();
  }

  #read(chunk: Buffer): void {
    this.#lastHeard = this.#shared.context.clock.monotonic();
    if (this.#mayTake()) this.#take(chunk);
    else if (!this.#leaving) {
      this.#held = chunk;
      this.#socket.pause();
    }
  }

  #mayTake(): boolean {
    const { maxPipelined } = this.#shared.config;
    return !this.#accepting && !this.#leaving && this.#replies.owed < maxPipelined && !this.#socket.writableNeedDrain;
  }

  #goOn(): void {
    if (!this.#mayTake()) {
      this.#endWhenDone();
      return;
    }
    const held = this.#held;
    if (held) {
      this.#held = undefined;
      this.#take(held);
      if (!this.#accepting) this.#goOn();
    } else if (this.#peerEnded) {
      this.#leaving = true;
      const rest = this.#decoder.end();
      if (rest) this.#submit([rest]);
      this.#endWhenDone();
    } else if (this.#socket.isPaused()) {
      this.#socket.resume();
    }
  }

  #take(chunk: Buffer): void {
    const framed = this.#decoder.decode(chunk);
    if (framed.length > 0) this.#submit(framed);
  }

  #submit(framed: readonly Framed[]): void {
    const exchanges: Exchange[] = [];
    for (const content of framed) {
      const exchange = beginExchange(content, this.peer, this.#shared.acknowledger, this.#replies);
      if (exchange.arrival.fault) {
        this.#shared.context.count(
          content instanceof FrameFault ? 'mllp_framing_faults_total' : 'mllp_headerless_total',
        );
        if (!this.#shared.quota.take()) {
          this.#shared.context.count('mllp_faults_unkept_total');
          this.#replies.refuse(exchange);
          break;
        }
      }
      exchanges.push(exchange);
    }
    if (exchanges.length > 0) void this.#accept(exchanges);
  }

  async #accept(exchanges: readonly Exchange[]): Promise<void> {
    const { intake, context, halt } = this.#shared;
    this.#accepting = true;
    try {
      const arrivals = exchanges.map((exchange) => exchange.arrival);
      this.#replies.await(exchanges, await intake.accept(arrivals, this.#stopWaiting));
    } catch (thrown) {
      if (halt.aborted) return this.destroy();
      const error = asHubError(thrown, 'store-failed', 'handing messages to the channel', 'transient');
      if (error.code !== 'draining') context.count('mllp_unstored_total', exchanges.length);
      const receipt: Receipt = { outcome: { status: 'error', error } };
      this.#replies.settle(exchanges, receipt);
    } finally {
      this.#accepting = false;
    }
    this.#goOn();
  }

  /** The replies say so when some are due. */
  replyDue(): void {
    this.#shared.flusher.schedule(this);
  }

  /** They say so when one can't be given: nothing more is read, and what is owed before it still goes out. */
  replyRefused(closeDelayMs: number): void {
    this.#closeDelayMs = closeDelayMs;
    this.#leaving = true;
    this.#held = undefined;
    this.#socket.pause();
    this.#shared.flusher.schedule(this);
  }

  #closeUnanswered(): void {
    if (this.#ending) return;
    this.#ending = true;
    if (this.#closeDelayMs === 0) this.#end();
    else this.#arm(this.#closeDelayMs, () => this.#socket.destroy());
  }

  #endWhenDone(): void {
    if (this.#ending || !this.#leaving || this.#accepting) return;
    if (this.#replies.owed > 0) return;
    this.#ending = true;
    this.#end();
  }

  /** Ends our half once everything is written, and the whole soon after: nobody waits for a far end that never closes. */
  #end(): void {
    this.#socket.end();
    this.#arm(LINGER_MS, () => this.#socket.destroy());
    // Unread input would turn the close into a reset, which can overtake the last replies.
    this.#socket.resume();
  }

  #lookAgain(): void {
    this.#cancelLook = this.#shared.context.clock.timer(LOOK_MS, () => this.#look());
  }

  /** While a message waits for room nothing is read, so that the last that was heard is the message. */
  #look(): void {
    if (this.#socket.destroyed) return;
    if (this.#accepting && this.#shared.context.clock.monotonic() - this.#lastHeard >= ROOM_MS) {
      const waited = this.#waited;
      this.#waited = new AbortController();
      this.#stopWaiting = AbortSignal.any([this.#shared.halt, this.#waited.signal]);
      waited.abort(new HubError('store-full', 'transient', 'waiting for room: there was none in time'));
    }
    this.#lookAgain();
  }

  #watchIdle(idleTimeoutMs: number): void {
    const idle = this.#shared.context.clock.monotonic() - this.#lastHeard;
    if (idle < idleTimeoutMs || this.#replies.owed > 0) {
      this.#arm(Math.max(idleTimeoutMs - idle, 1_000), () => this.#watchIdle(idleTimeoutMs));
      return;
    }
    this.#shared.context.count('mllp_idle_closed_total');
    this.drain();
  }

  #arm(afterMs: number, due: () => void): void {
    this.#cancelTimer?.();
    if (!this.#socket.destroyed) this.#cancelTimer = this.#shared.context.clock.timer(afterMs, due);
  }
}
