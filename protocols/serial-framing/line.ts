import { type CheckField, checkHolds } from './check.ts';
import { DiscardedRun } from './discarded-run.ts';
import type { Scanned } from './fault.ts';

const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;

export interface Lines {
  /** What ends a line. `cr-or-lf`: either, and CRLF too. */
  readonly end: 'cr-or-lf' | 'cr' | 'lf' | 'crlf';
  /** Of a line without its end. */
  readonly maxBytes: number;
  /**
   * Whether the first line is discarded: it may have begun before the port was opened, and nothing in it says so. It is
   * told as serial.unended.
   */
  readonly dropFirst: boolean;
  /** Over the line without its end. */
  readonly check?: CheckField;
}

/**
 * Cuts a stream of bytes into lines, given without their ends; empty ones are passed over. A line that is too long or whose
 * check is wrong is discarded whole: it has no start by which its remainder could be told from another line. Never
 * throws; what comes out does not depend on how the stream is cut into chunks. Holds at most one line and `RUN_SHOWN`
 * bytes of what became none.
 */
export class LineDecoder {
  readonly #lines: Lines;
  readonly #ends: readonly number[];
  readonly #held: Buffer;
  #length = 0;
  #dropping: 'serial.unended' | 'serial.oversize' | undefined;
  /** `crlf` only: the last byte was CR, which ends the line if LF follows and else belongs to it. */
  #returned = false;
  readonly #run = new DiscardedRun();

  constructor(lines: Lines) {
    this.#lines = lines;
    this.#ends = { 'cr-or-lf': [CARRIAGE_RETURN, LINE_FEED], cr: [CARRIAGE_RETURN], lf: [LINE_FEED], crlf: [] }[
      lines.end
    ];
    this.#held = Buffer.allocUnsafe(lines.maxBytes);
    this.#dropping = lines.dropFirst ? 'serial.unended' : undefined;
  }

  /** Bytes so far that did not become a line, ended none, and are in no fault's content. */
  get discarded(): number {
    return this.#run.counted;
  }

  get buffered(): number {
    return this.#length;
  }

  /** The lines and faults that end in this chunk, in order. */
  decode(chunk: Buffer): Scanned[] {
    const found: Scanned[] = [];
    let at = 0;
    while (at < chunk.length) {
      at = this.#keepPlain(chunk, at);
      if (at === chunk.length) break;
      const byte = chunk[at++]!;
      if (this.#lines.end === 'crlf') this.#afterReturn(byte, found);
      else if (this.#ends.includes(byte)) this.#endLine(found);
      else this.#keep(byte, found);
    }
    return found;
  }

  /**
   * The sender has fallen silent: what is held is no line, and neither is what comes before the next end, which may be
   * its remainder. After a new connection use a new decoder.
   */
  silence(): Scanned[] {
    const found: Scanned[] = [];
    if (this.#returned) this.#keep(CARRIAGE_RETURN, found);
    this.#returned = false;
    if (this.#length > 0) this.#dropping = 'serial.unended';
    this.#discardHeld('serial.unended', found);
    const fault = this.#run.end();
    if (fault) found.push(fault);
    return found;
  }

  /** Takes at once what can only be inside of a line that has room for it; answers where that ends. */
  #keepPlain(chunk: Buffer, from: number): number {
    if (this.#dropping !== undefined || this.#returned) return from;
    const most = Math.min(chunk.length, from + this.#lines.maxBytes - this.#length);
    let at = from;
    while (at < most) {
      const byte = chunk[at]!;
      if (byte === CARRIAGE_RETURN || byte === LINE_FEED) break;
      at++;
    }
    chunk.copy(this.#held, this.#length, from, at);
    this.#length += at - from;
    return at;
  }

  #afterReturn(byte: number, found: Scanned[]): void {
    if (this.#returned && byte === LINE_FEED) {
      this.#returned = false;
      this.#endLine(found);
      return;
    }
    if (this.#returned) this.#keep(CARRIAGE_RETURN, found);
    this.#returned = byte === CARRIAGE_RETURN;
    if (!this.#returned) this.#keep(byte, found);
  }

  #keep(byte: number, found: Scanned[]): void {
    if (this.#dropping === undefined && this.#length < this.#lines.maxBytes) {
      this.#held[this.#length++] = byte;
      return;
    }
    if (this.#dropping === undefined) {
      this.#discardHeld('serial.oversize', found);
      this.#dropping = 'serial.oversize';
    }
    const fault = this.#run.add(this.#dropping, Buffer.of(byte), 0, 1);
    if (fault) found.push(fault);
  }

  #endLine(found: Scanned[]): void {
    const dropped = this.#dropping !== undefined;
    this.#dropping = undefined;
    if (dropped || this.#length === 0) return;
    const { check } = this.#lines;
    if (check && !checkHolds(this.#held, 0, this.#length, check)) {
      this.#discardHeld('serial.bad-check', found);
      return;
    }
    const fault = this.#run.end();
    if (fault) found.push(fault);
    found.push(Buffer.from(this.#held.subarray(0, this.#length)));
    this.#length = 0;
  }

  #discardHeld(code: 'serial.unended' | 'serial.oversize' | 'serial.bad-check', found: Scanned[]): void {
    if (this.#length > 0) {
      const fault = this.#run.add(code, this.#held, 0, this.#length);
      if (fault) found.push(fault);
    }
    this.#length = 0;
  }
}
