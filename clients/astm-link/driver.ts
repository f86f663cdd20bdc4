import type { Clock } from '../../core/component.ts';
import { HubError } from '../../core/errors.ts';
import { AstmLink } from '../../protocols/astm/link.ts';
import type { LinkOptions } from '../../protocols/astm/link-options.ts';
import type { LinkOutput, SendFailure } from '../../protocols/astm/link-output.ts';
import { ProtocolFault } from '../../protocols/fault.ts';
import { type Line, lineError } from '../serial-port/line.ts';

/**
 * How a message is answered: its last frame acknowledged, refused so that it comes again, or never, because the line is given up.
 */
export type Decision = 'accept' | 'refuse' | 'leave';

/** Who takes what comes in. */
export interface Receiving {
  /** Decides on a message, which nobody else holds; the analyzer waits for it (`replyMs`). Never rejects. */
  message(content: Buffer): Promise<Decision>;
  /** What of a message came, and will not be completed. */
  incomplete(code: 'astm.incomplete' | 'astm.oversize', content: Buffer): void;
  /** Something broke the rules of the link; to be counted. */
  fault(code: ProtocolFault['code']): void;
}

/** How sending ended. `uncertain`: the analyzer may have all of it. */
export type Sent =
  | { readonly status: 'sent' | 'untried' }
  | { readonly status: 'failed'; readonly reason: SendFailure; readonly uncertain: boolean };

interface Wish {
  readonly content: Uint8Array;
  readonly signal: AbortSignal;
  readonly resolve: (sent: Sent) => void;
  readonly reject: (thrown: unknown) => void;
}

/** So many messages wait for the line, at the most. */
const mostWaiting = 16;

/** Runs the state machine of a link on one line until that is lost: with a clock, and with people who send and receive. */
export class LinkDriver {
  readonly #line: Line;
  readonly #link: AstmLink;
  readonly #clock: Clock;
  readonly #dropsLine: boolean;
  #receiving: Receiving | undefined;
  #cancelTimer: () => void = () => undefined;
  #timerDue: number | undefined;
  #wishes: Wish[] = [];
  #current: Wish | undefined;
  #decision: Promise<void> = Promise.resolve();
  #leaving = false;

  /** @param dropsLine whether a line on which no answer came is given up: over TCP a late answer would pass for the next one */
  constructor(line: Line, options: LinkOptions, clock: Clock, dropsLine: boolean) {
    this.#line = line;
    this.#link = new AstmLink(options);
    this.#clock = clock;
    this.#dropsLine = dropsLine;
    this.#link.setReady(false);
    line.lost.addEventListener('abort', () => this.#end(), { once: true });
    if (line.lost.aborted) this.#end();
    else line.read((chunk) => this.#do(() => this.#link.receive(chunk, this.#now())));
  }

  get lost(): AbortSignal {
    return this.#line.lost;
  }

  get where(): string {
    return this.#line.where;
  }

  /** Resolves when the message that came in last has been decided on, and its sender answered. Never rejects. */
  get decided(): Promise<void> {
    return this.#decision;
  }

  /** Bytes so far that belong to no frame and say nothing. */
  get stray(): number {
    return this.#link.stray;
  }

  /** While nobody receives, an analyzer that wants to send is told to try again later (NAK). */
  receive(receiving: Receiving | undefined): void {
    this.#receiving = receiving;
    this.#link.setReady(receiving !== undefined);
  }

  /**
   * Sends a message as soon as it is its turn and the line is free; one that has not begun when `signal` aborts is left. Throws
   * ProtocolFault `astm.reserved-byte` for what no frame can hold, HubError where too much waits already.
   */
  send(content: Uint8Array, signal: AbortSignal): Promise<Sent> {
    if (this.lost.aborted || signal.aborted) return Promise.resolve({ status: 'untried' });
    if (this.#wishes.length >= mostWaiting)
      return Promise.reject(lineError('write-failed', `sending to ${this.where}: too many messages wait for the line`));
    const { promise, resolve, reject } = Promise.withResolvers<Sent>();
    const wish: Wish = { content, signal, resolve, reject };
    this.#wishes.push(wish);
    const abort = (): void => this.#giveUp(wish);
    signal.addEventListener('abort', abort, { once: true });
    this.#next();
    return promise.finally(() => signal.removeEventListener('abort', abort));
  }

  destroy(reason?: HubError): void {
    this.#line.destroy(reason);
  }

  close(): Promise<void> {
    return this.#line.close();
  }

  #now(): number {
    return this.#clock.monotonic();
  }

  #do(step: () => readonly LinkOutput[]): void {
    if (this.lost.aborted) return;
    this.#handle(step());
    this.#arm();
    this.#next();
  }

  #handle(outputs: readonly LinkOutput[]): void {
    for (const output of outputs) {
      switch (output.kind) {
        case 'write':
          this.#line.write(output.bytes);
          break;
        case 'message':
          this.#decision = this.#decide(output.content);
          break;
        case 'incomplete':
          this.#receiving?.incomplete(output.code, output.content);
          break;
        case 'fault':
          this.#receiving?.fault(output.code);
          break;
        case 'sent':
          this.#finish({ status: 'sent' });
          break;
        case 'failed': {
          const { reason, uncertain } = output;
          this.#finish({ status: 'failed', reason, uncertain });
          if (reason === 'no-reply' && this.#dropsLine) this.#dropSilent();
          break;
        }
        default:
          output satisfies never;
      }
    }
  }

  async #decide(content: Buffer): Promise<void> {
    const decision = this.#receiving ? await this.#receiving.message(content) : 'refuse';
    if (this.lost.aborted || !this.#link.deciding) return;
    if (decision === 'leave') {
      this.destroy();
      return;
    }
    this.#do(() => (decision === 'accept' ? this.#link.accept(this.#now()) : this.#link.refuse(this.#now())));
  }

  #next(): void {
    // What the link has taken cannot be called back: it gets a message when it can begin with it.
    while (!this.#current && !this.lost.aborted && !this.#link.sending && this.#link.neutral) {
      const wish = this.#wishes.shift();
      if (!wish) return;
      if (wish.signal.aborted) {
        wish.resolve({ status: 'untried' });
        continue;
      }
      this.#current = wish;
      try {
        this.#handle(this.#link.send(wish.content, this.#now()));
        this.#arm();
      } catch (thrown) {
        this.#current = undefined;
        wish.reject(thrown);
      }
    }
  }

  #finish(sent: Sent): void {
    this.#current?.resolve(sent);
    this.#current = undefined;
  }

  /** One on its way cannot be called back: the line is given up, so that its fate is not waited for. */
  #giveUp(wish: Wish): void {
    const at = this.#wishes.indexOf(wish);
    if (at >= 0) {
      this.#wishes.splice(at, 1);
      wish.resolve({ status: 'untried' });
    } else if (this.#current === wish) {
      this.destroy(lineError('draining', `sending to ${this.where}: given up`));
    }
  }

  #dropSilent(): void {
    this.destroy(lineError('reply-timeout', `sending to ${this.where}: no answer in time`));
  }

  #arm(): void {
    const due = this.#link.deadline;
    if (due === this.#timerDue) return;
    this.#cancelTimer();
    this.#timerDue = due;
    if (due === undefined) return;
    this.#cancelTimer = this.#clock.timer(Math.max(0, due - this.#now()), () => {
      this.#timerDue = undefined;
      this.#do(() => this.#link.tick(this.#now()));
    });
  }

  #end(): void {
    if (this.#leaving) return;
    this.#leaving = true;
    this.#cancelTimer();
    this.#handle(this.#link.end());
    for (const wish of this.#wishes.splice(0)) wish.resolve({ status: 'untried' });
  }
}

/** Why a message was not sent, as an error of ours, transient: of the destination, unless the analyzer refused this very message. */
export function sendError(where: string, reason: SendFailure): HubError {
  const [code, text] = failures[reason];
  const scope = reason === 'rejected' ? 'message' : 'destination';
  return new HubError(code, 'transient', `sending to ${where}: ${text}`, { scope });
}

const failures: Readonly<Record<SendFailure, readonly [HubError['code'], string]>> = {
  'no-reply': ['reply-timeout', 'the analyzer did not answer in time'],
  busy: ['reply-negative', 'the analyzer is busy: it answered each ENQ with NAK'],
  contention: ['connection-lost', 'the analyzer wanted the line each time, too'],
  rejected: ['reply-negative', 'the analyzer refused a frame at every attempt'],
  closed: ['connection-lost', 'the line was lost'],
};

/** Why a message cannot be put into frames, permanent; a HubError stays what it is. */
export function encodeError(thrown: unknown): HubError {
  if (thrown instanceof HubError) return thrown;
  const text = thrown instanceof ProtocolFault ? thrown.message : 'framing the message';
  return new HubError('encode-failed', 'permanent', text, { cause: thrown });
}
