import { Assembly } from '../mllp/assembly.ts';
import { CR } from './control.ts';

/** Enough of the end to hold a terminator record, whose fields are two characters long. */
const TAIL = 300;
const NOTHING: Buffer = Buffer.alloc(0);
const CARRIAGE_RETURN = Buffer.of(CR);
/** A record that begins with L and no letter or digit behind it, and nothing after it. */
const TERMINATED = /(?:^|[\r\n])L(?:[^A-Za-z0-9\r\n][^\r\n]*)?[\r\n]*$/;

/** The message that is coming in, frame by frame, and how far its numbers are (LIS01-A2 §6.3.2). */
export class Incoming {
  readonly #content = new Assembly();
  #tail = '';
  /** Of the frame taken last; undefined before the first. */
  #last: number | undefined;
  #lastText = NOTHING;
  #inRecord = false;

  get length(): number {
    return this.#content.length;
  }

  /** The number that the next frame must have. */
  get expected(): number {
    return this.#last === undefined ? 1 : (this.#last + 1) & 7;
  }

  /**
   * Whether this is the frame taken last: its sender has not got the acknowledgement. Another text under the same number
   * is none (an analyzer with wrong numbers lost a result that way).
   */
  repeats(number: number, text: Buffer): boolean {
    return number === this.#last && text.equals(this.#lastText);
  }

  /**
   * Adds a frame's text. A record that ended with its frame but without its CR gets the CR before the next begins: else
   * two records would be one.
   */
  append(text: Buffer, last: boolean): void {
    if (!this.#inRecord && this.length > 0 && !this.#tail.endsWith('\r') && !this.#tail.endsWith('\n')) {
      this.#add(CARRIAGE_RETURN);
    }
    this.#add(text);
    this.#inRecord = !last;
  }

  /** Counts the frame as taken: sent again, it is a repetition. */
  taken(number: number, text: Buffer): void {
    this.#last = number;
    this.#lastText = text;
  }

  /** Whether what came last is a message's terminator record (LIS02-A2 §12). */
  get terminated(): boolean {
    return !this.#inRecord && TERMINATED.test(this.#tail);
  }

  /** The content so far; the next message begins with nothing. */
  take(): Buffer {
    this.#tail = '';
    this.#inRecord = false;
    return this.#content.take();
  }

  /** Begins a transmission, whose first frame is number 1. */
  restart(): void {
    this.take();
    this.#last = undefined;
    this.#lastText = NOTHING;
  }

  #add(bytes: Buffer): void {
    this.#content.append(bytes);
    this.#tail = (this.#tail + bytes.toString('latin1', Math.max(0, bytes.length - TAIL))).slice(-TAIL);
  }
}
