import { ACK, ENQ, EOT, NAK } from './control.ts';
import { cutIntoFrames, encodeFrame, type FrameSpan } from './frame.ts';
import type { LinkSettings } from './link-options.ts';
import type { LinkOutput, SendFailure } from './link-output.ts';

/** `waiting` has a message and not the line; `enquiring` and `sending` wait for a reply; `garbled` got one that says nothing. */
type State = 'idle' | 'waiting' | 'enquiring' | 'sending' | 'garbled';

/** The sending half of a link (LIS01-A2 §6.2 to §6.5). */
export class Sender {
  readonly #settings: LinkSettings;
  #state: State = 'idle';
  #content: Uint8Array = EMPTY;
  #frames: readonly FrameSpan[] = [];
  #frame = 0;
  #attempt = 0;
  #enquiries = 0;
  #lastSent = false;
  #interrupted = false;
  #due = Number.NEGATIVE_INFINITY;

  constructor(settings: LinkSettings) {
    this.#settings = settings;
  }

  get pending(): boolean {
    return this.#state !== 'idle';
  }

  /** Whether it has the line. */
  get active(): boolean {
    return this.#state !== 'idle' && this.#state !== 'waiting';
  }

  get deadline(): number | undefined {
    return this.#state === 'idle' ? undefined : this.#due;
  }

  /** @throws ProtocolFault astm.reserved-byte */
  take(content: Uint8Array): void {
    this.#frames = cutIntoFrames(content, this.#settings.sendTextBytes, this.#settings.packing);
    this.#content = content;
    this.#enquiries = 0;
    this.#lastSent = false;
    this.#state = 'waiting';
  }

  /** The line is neutral: asks for it, if there is something to send and the time for it has come. */
  begin(now: number, out: LinkOutput[]): void {
    if (this.#state !== 'waiting' || now < this.#due) return;
    this.#enquiries++;
    this.#state = 'enquiring';
    this.#frame = 0;
    this.#interrupted = false;
    this.#due = now + this.#settings.times.replyMs;
    out.push(write(ENQ));
  }

  /** The other side has taken the line: after its transmission there is nothing more to wait for. */
  yielded(): void {
    if (this.#state === 'waiting') this.#due = Number.NEGATIVE_INFINITY;
  }

  tick(now: number, out: LinkOutput[]): void {
    if (!this.active || now < this.#due) return;
    if (this.#state === 'garbled') {
      this.#again(now, out);
      return;
    }
    this.#breakOff('no-reply', now, out);
  }

  /**
   * Takes the reply at `at`; answers where to go on. What follows it in the chunk was sent before anything could answer our next bytes, so it is not a
   * reply to them and is passed over.
   */
  reply(chunk: Buffer, at: number, now: number, out: LinkOutput[]): number {
    if (this.#state === 'enquiring') this.#enquiryReply(chunk[at]!, now, out);
    else this.#frameReply(chunk[at]!, now, out);
    return this.#state === 'sending' ? chunk.length : at + 1;
  }

  end(out: LinkOutput[]): void {
    if (this.pending) this.#fail('closed', out);
    this.#due = Number.NEGATIVE_INFINITY;
  }

  /** What is no reply is passed over: it belongs to an earlier transmission. */
  #enquiryReply(byte: number, now: number, out: LinkOutput[]): void {
    const { times, role } = this.#settings;
    switch (byte) {
      case ACK:
        this.#sendFrame(now, out);
        return;
      case NAK:
        this.#waitFor(times.busyMs, 'busy', now, out);
        return;
      case ENQ:
        this.#waitFor(role === 'host' ? times.hostContentionMs : times.instrumentContentionMs, 'contention', now, out);
        return;
    }
  }

  #frameReply(byte: number, now: number, out: LinkOutput[]): void {
    switch (byte) {
      case EOT:
        this.#interrupted = true;
        this.#acknowledged(now, out);
        return;
      case ACK:
        this.#acknowledged(now, out);
        return;
      case NAK:
        this.#again(now, out);
        return;
      case ENQ:
        // The other side takes the line for neutral: an EOT that ends its own attempt must not pass for an interrupt.
        this.#breakOff('contention', now, out);
        return;
      default:
        // The true reply may be right behind the noise; sending again at once would get two replies for one frame.
        if (this.#state === 'sending') this.#due = now + this.#settings.times.quietMs;
        this.#state = 'garbled';
    }
  }

  #waitFor(ms: number, reason: SendFailure, now: number, out: LinkOutput[]): void {
    if (this.#enquiries >= this.#settings.attempts) this.#fail(reason, out);
    else this.#state = 'waiting';
    this.#due = now + ms;
  }

  #acknowledged(now: number, out: LinkOutput[]): void {
    this.#frame++;
    const ended = this.#frame === this.#frames.length;
    if (!ended && !(this.#interrupted && this.#settings.onInterrupt === 'yield')) {
      this.#sendFrame(now, out);
      return;
    }
    out.push(write(EOT));
    this.#state = ended ? 'idle' : 'waiting';
    this.#due = this.#interrupted ? now + this.#settings.times.interruptMs : now;
    if (!ended) return;
    this.#forget();
    out.push({ kind: 'sent' });
  }

  #sendFrame(now: number, out: LinkOutput[]): void {
    this.#attempt = 0;
    this.#again(now, out);
  }

  #again(now: number, out: LinkOutput[]): void {
    if (this.#attempt >= this.#settings.attempts) {
      this.#breakOff('rejected', now, out);
      return;
    }
    this.#attempt++;
    const { start, end, last } = this.#frames[this.#frame]!;
    this.#lastSent ||= this.#frame === this.#frames.length - 1;
    this.#state = 'sending';
    this.#due = now + this.#settings.times.replyMs;
    out.push({ kind: 'write', bytes: encodeFrame(this.#frame + 1, this.#content.subarray(start, end), last) });
  }

  #breakOff(reason: SendFailure, now: number, out: LinkOutput[]): void {
    out.push(write(EOT));
    this.#fail(reason, out);
    this.#due = now + this.#settings.times.busyMs;
  }

  #fail(reason: SendFailure, out: LinkOutput[]): void {
    this.#state = 'idle';
    this.#forget();
    out.push({ kind: 'failed', reason, uncertain: this.#lastSent });
  }

  #forget(): void {
    this.#content = EMPTY;
    this.#frames = [];
  }
}

const EMPTY: Uint8Array = new Uint8Array(0);

function write(byte: number): LinkOutput {
  return { kind: 'write', bytes: Buffer.of(byte) };
}
