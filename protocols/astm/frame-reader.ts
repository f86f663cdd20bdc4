import type { ProtocolFaultCode } from '../fault.ts';
import { Assembly } from '../mllp/assembly.ts';
import { CR, ENQ, EOT, ETB, ETX, LF, STX } from './control.ts';
import { hexByte, isHexDigit, wholeFrame } from './whole-frame.ts';

/** Why a frame was not taken. */
export type FrameFaultCode = Extract<
  ProtocolFaultCode,
  | 'astm.bad-checksum'
  | 'astm.bad-number'
  | 'astm.oversize'
  | 'astm.reserved-byte'
  | 'astm.stray-bytes'
  | 'astm.unended-frame'
>;

/** What a stream holds. `frame` and `bad` are each answered once; `cut` is a frame that ended in nothing and gets no answer. */
export type Read =
  | { readonly kind: 'frame'; readonly number: number; readonly text: Buffer; readonly last: boolean }
  | { readonly kind: 'bad'; readonly code: FrameFaultCode }
  | { readonly kind: 'cut'; readonly code: 'astm.unended-frame' }
  | { readonly kind: 'control'; readonly byte: number };

export interface FrameReaderOptions {
  /** The most text that a frame may carry, in bytes. */
  readonly textBytes: number;
  /** `ignore` takes any digits, and none: for analyzers with the checksum switched off. */
  readonly checksum: 'verify' | 'ignore';
}

type State = 'gap' | 'number' | 'text' | 'digit1' | 'digit2' | 'cr' | 'lf';

/** More than a few ENQ and EOT in a row say nothing more. */
const MOST_CONTROLS = 8;

/**
 * Cuts a stream into frames and control characters (LIS01-A2 §6.3). What comes out does not depend on how the stream is
 * cut into chunks; nothing throws. A frame without its start still counts as one when digits and CR end it, so that its
 * sender gets a NAK and not silence. Besides the two lengths of `textBytes` nothing is held.
 *
 * ENQ and EOT inside a frame are corrupt text while more follows: taken for what they say, a single flipped byte would
 * acknowledge a frame that was lost. They count when the line falls silent behind them (`settle`).
 */
export class FrameReader {
  readonly #options: FrameReaderOptions;
  readonly #text = new Assembly();
  #state: State = 'gap';
  #fault: FrameFaultCode | undefined;
  #number = 0;
  #last = false;
  #sum = 0;
  #digits = '';
  #started = false;
  #controls: number[] = [];
  #stray = 0;

  constructor(options: FrameReaderOptions) {
    this.#options = options;
  }

  /** Bytes so far that belong to no frame and say nothing. */
  get stray(): number {
    return this.#stray;
  }

  /** Bytes of an unfinished frame that are held. */
  get buffered(): number {
    return this.#text.length;
  }

  /** Whether a frame has begun and not ended. */
  get inFrame(): boolean {
    return this.#state !== 'gap' && this.#started;
  }

  /** Whether silence would decide something: a frame whose CR LF is missing, ENQ or EOT inside of a frame. */
  get unsettled(): boolean {
    return this.#state === 'cr' || this.#state === 'lf' || this.#controls.length > 0;
  }

  /** Whether the frame that is coming in is longer than allowed already. */
  get oversize(): boolean {
    return this.#fault === 'astm.oversize';
  }

  /** The next thing that the chunk holds from `at` on, and where to go on; nothing when the chunk is used up. */
  read(chunk: Buffer, at: number): { readonly read: Read | undefined; readonly next: number } {
    let next = at;
    while (next < chunk.length) {
      if (this.#state === 'text') {
        next = this.#takeText(chunk, next);
        if (next === chunk.length) break;
      } else if (this.#state === 'gap') {
        const from = next;
        while (next < chunk.length && chunk[next]! >= 0x20) next++;
        this.#stray += next - from;
        if (next === chunk.length) break;
        const whole = wholeFrame(chunk, next, this.#options);
        if (whole) return whole;
      }
      const byte = chunk[next]!;
      const taken = this.#take(byte);
      if (taken.used) next++;
      if (taken.read) return { read: taken.read, next };
    }
    return { read: undefined, next };
  }

  /** What the silence decides; the line has been silent for long enough to know that nothing more follows. */
  settle(): Read[] {
    if (this.#controls.length === 0) {
      if (this.#state === 'cr' && !this.#started) this.#backToGap();
      return this.unsettled ? [this.#finish()] : [];
    }
    const controls = this.#controls;
    this.reset();
    return [CUT, ...controls.map((byte): Read => ({ kind: 'control', byte }))];
  }

  /** Forgets an unfinished frame. */
  reset(): void {
    this.#state = 'gap';
    this.#started = false;
    this.#controls = [];
    this.#fault = undefined;
    this.#text.clear();
  }

  #take(byte: number): Taken {
    switch (this.#state) {
      case 'gap':
        return this.#takeInGap(byte);
      case 'number':
        return this.#takeNumber(byte);
      case 'text':
        if (byte === STX) return this.#restart();
        return this.#end(byte === ETX);
      case 'digit1':
      case 'digit2':
        return this.#takeDigit(byte);
      case 'cr':
        if (byte !== CR && !this.#started) return this.#backToGap();
        if (byte === LF || byte === STX) return { read: this.#finish(), used: byte === LF };
        this.#expectLineFeed();
        return USED;
      case 'lf':
        // The sender now waits for its answer, so that any byte is a corrupt LF: an EOT would not be one.
        return { read: this.#finish(), used: byte !== STX };
      default:
        return this.#state satisfies never;
    }
  }

  #takeInGap(byte: number): Taken {
    switch (byte) {
      case STX:
        this.#begin();
        return USED;
      case ETX:
      case ETB:
        this.#stray++;
        this.#begin();
        this.#started = false;
        this.#fault = 'astm.stray-bytes';
        return this.#end(byte === ETX);
      case CR:
      case LF:
        return USED;
      default:
        return { read: { kind: 'control', byte }, used: true };
    }
  }

  #begin(): void {
    this.reset();
    this.#started = true;
    this.#state = 'number';
    this.#sum = 0;
    this.#digits = '';
  }

  #takeNumber(byte: number): Taken {
    if (byte === STX) return USED;
    this.#state = 'text';
    if (byte === ENQ || byte === EOT || byte === ETX || byte === ETB) {
      this.#fault = 'astm.bad-number';
      return { read: undefined, used: false };
    }
    this.#sum = byte;
    this.#number = byte - 0x30;
    if (this.#number < 0 || this.#number > 7) this.#fault = 'astm.bad-number';
    return USED;
  }

  /** Text up to a byte that ends the frame or begins another. */
  #takeText(chunk: Buffer, from: number): number {
    let at = from;
    let sum = this.#sum;
    let isPlain = this.#controls.length === 0;
    for (; at < chunk.length; at++) {
      const byte = chunk[at]!;
      if (byte < 0x20) {
        if (byte === ETX || byte === ETB || byte === STX) break;
        if (byte === EOT || byte === ENQ) {
          this.#fault ??= 'astm.reserved-byte';
          this.#noteControl(byte);
          isPlain = false;
          sum += byte;
          continue;
        }
      }
      sum += byte;
      if (isPlain) continue;
      this.#controls = [];
      isPlain = true;
    }
    this.#sum = sum & 0xff;
    if (this.oversize) return at;
    if (this.#text.length + at - from > this.#options.textBytes) {
      this.#fault = 'astm.oversize';
      this.#text.clear();
    } else if (at > from) this.#text.append(chunk.subarray(from, at));
    return at;
  }

  #restart(): Taken {
    this.#begin();
    return { read: CUT, used: true };
  }

  #end(last: boolean): Taken {
    this.#last = last;
    this.#sum += last ? ETX : ETB;
    this.#controls = [];
    this.#state = 'digit1';
    return USED;
  }

  #takeDigit(byte: number): Taken {
    if (!this.#started && !isHexDigit(byte)) return this.#backToGap();
    if (byte === CR) {
      this.#expectLineFeed();
      return USED;
    }
    if (byte === EOT || byte === ENQ) this.#noteControl(byte);
    else this.#controls = [];
    this.#digits += String.fromCharCode(byte);
    this.#state = this.#state === 'digit1' ? 'digit2' : 'cr';
    return USED;
  }

  #expectLineFeed(): void {
    this.#controls = [];
    this.#state = 'lf';
  }

  #noteControl(byte: number): void {
    if (this.#controls.length < MOST_CONTROLS) this.#controls.push(byte);
  }

  /** What looked like the end of a frame without its start was noise: the byte is looked at again. */
  #backToGap(): Taken {
    this.#stray += this.#digits.length;
    this.reset();
    return { read: undefined, used: false };
  }

  #finish(): Read {
    const text = this.#text.take();
    const fault = this.#fault ?? (this.#checks() ? undefined : 'astm.bad-checksum');
    this.reset();
    if (fault) return { kind: 'bad', code: fault };
    return { kind: 'frame', number: this.#number, text, last: this.#last };
  }

  #checks(): boolean {
    if (this.#options.checksum === 'ignore') return true;
    return this.#digits.length === 2 && this.#digits.toUpperCase() === hexByte(this.#sum & 0xff);
  }
}

interface Taken {
  readonly read: Read | undefined;
  readonly used: boolean;
}

const USED: Taken = { read: undefined, used: true };
const CUT: Read = { kind: 'cut', code: 'astm.unended-frame' };
