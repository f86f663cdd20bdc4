import { DiscardedRun } from './discarded-run.ts';
import type { Scanned, SerialFaultCode } from './fault.ts';

/**
 * How frames of one kind are recognised. `measure` and `holds` depend on nothing but the bytes, so that what comes out
 * of a stream does not depend on how it was cut into chunks.
 */
export interface Framing {
  /** Of a frame with everything that belongs to it; what is longer is a fault. Bounds the memory of a scanner. */
  readonly maxBytes: number;
  /**
   * Looks for a frame at `start`, knowing `bytes[start, end)`, of which the first `resume` were looked at before.
   * Answers the frame's length, which may be beyond `end`; or why no frame begins here; or, where that is not known yet,
   * `~n`: it will go on with `resume` = n when there is more.
   */
  measure(bytes: Buffer, start: number, end: number, resume: number): number | SerialFaultCode;
  /** Whether the check of a frame is right, all of which is in `bytes[start, end)`. */
  holds(bytes: Buffer, start: number, end: number): boolean;
  /** What a frame carries, without start, end, length and check: a view of it. */
  content(frame: Buffer): Buffer;
}

/** Bytes that are taken out of a chunk at once: short frames one by one would cost a copy each. */
const LEAST_HELD = 4_096;

/**
 * Cuts a stream of bytes into frames. It never throws. Where no frame begins, or one turns out wrong, it discards *one*
 * byte and looks again from the next: a frame that begins inside of a damaged one is found. Holds at most two frames
 * of the longest length, or 4 KiB where these are shorter, and `RUN_SHOWN` bytes of what became none.
 */
export class FrameScanner {
  readonly #framing: Framing;
  readonly #held: Buffer;
  #start = 0;
  #end = 0;
  /** Of the candidate at `#start`: how far `measure` has looked, and its length once known (0: not yet). */
  #resume = 0;
  #length = 0;
  readonly #run = new DiscardedRun();

  constructor(framing: Framing) {
    this.#framing = framing;
    this.#held = Buffer.allocUnsafe(Math.max(2 * framing.maxBytes, LEAST_HELD));
  }

  /** Bytes so far that did not become a frame and are in no fault's content. */
  get discarded(): number {
    return this.#run.counted;
  }

  /** Bytes that are held of a frame that has not ended. */
  get buffered(): number {
    return this.#end - this.#start;
  }

  /** Whether the stream stands between two frames, with nothing left over. */
  get atRest(): boolean {
    return this.buffered === 0 && this.#run.empty;
  }

  /** The frames and faults that end in this chunk, in order. */
  decode(chunk: Buffer): Scanned[] {
    const found: Scanned[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.#end === this.#held.length) this.#moveUp();
      const copied = chunk.copy(this.#held, this.#end, at);
      this.#end += copied;
      at += copied;
      this.#scan(found, false);
    }
    return found;
  }

  /**
   * The line has fallen silent or the stream has ended: whatever frame is held will not be completed. Frames that begin
   * inside of it are found now, and what was discarded is told. The scanner stands between two frames then.
   */
  silence(): Scanned[] {
    const found: Scanned[] = [];
    this.#scan(found, true);
    const fault = this.#run.end();
    if (fault) found.push(fault);
    return found;
  }

  #scan(found: Scanned[], ended: boolean): void {
    const { maxBytes } = this.#framing;
    while (this.#start < this.#end) {
      const held = Math.min(this.#end - this.#start, maxBytes);
      if (this.#length === 0) {
        const measured = this.#framing.measure(this.#held, this.#start, this.#start + held, this.#resume);
        if (typeof measured === 'string') {
          this.#discard(measured, found);
          continue;
        }
        if (measured > maxBytes || (measured < 0 && held === maxBytes)) {
          this.#discard('serial.oversize', found);
          continue;
        }
        if (measured < 0 && !ended) {
          this.#resume = ~measured;
          return;
        }
        this.#length = measured < 0 ? maxBytes + 1 : measured;
      }
      if (held < this.#length) {
        if (!ended) return;
        this.#discard('serial.unended', found);
      } else if (this.#framing.holds(this.#held, this.#start, this.#start + this.#length)) {
        this.#take(found);
      } else {
        this.#discard('serial.bad-check', found);
      }
    }
  }

  #take(found: Scanned[]): void {
    const fault = this.#run.end();
    if (fault) found.push(fault);
    const end = this.#start + this.#length;
    const frame = Buffer.allocUnsafe(this.#length);
    this.#held.copy(frame, 0, this.#start, end);
    found.push(frame);
    this.#goTo(end);
  }

  #discard(code: SerialFaultCode, found: Scanned[]): void {
    const fault = this.#run.add(code, this.#held, this.#start, this.#start + 1);
    if (fault) found.push(fault);
    this.#goTo(this.#start + 1);
  }

  #goTo(start: number): void {
    this.#resume = 0;
    this.#length = 0;
    this.#start = start;
    if (start === this.#end) {
      this.#start = 0;
      this.#end = 0;
    }
  }

  #moveUp(): void {
    this.#held.copyWithin(0, this.#start, this.#end);
    this.#end -= this.#start;
    this.#start = 0;
  }
}
