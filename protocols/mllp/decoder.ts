import type { ProtocolFaultCode } from '../fault.ts';
import { Assembly } from './assembly.ts';
import { CARRIAGE_RETURN, END, START } from './framing.ts';

const LINE_FEED = 0x0a;
const NOTHING: Buffer = Buffer.alloc(0);
/** Of bytes outside of any frame so much is shown; what follows in the same run is only counted. */
const STRAY_SHOWN = 4_096;
/** Of a frame that is too long so much is shown: enough for its header. */
const OVERSIZE_SHOWN = 65_536;

/** Something that broke the framing. The decoder goes on after it. */
export class FrameFault {
  readonly code: FrameFaultCode;
  /** What came instead of a frame: whole for `bad-end` and `unended-frame`, its beginning for the other two. */
  readonly content: Buffer;

  constructor(code: FrameFaultCode, content: Buffer) {
    this.code = code;
    this.content = content;
  }
}

export type FrameFaultCode = Extract<
  ProtocolFaultCode,
  'mllp.bad-end' | 'mllp.unended-frame' | 'mllp.stray-bytes' | 'mllp.oversize'
>;

/** The content of a frame, or what was wrong where one should have been. */
export type Framed = Buffer | FrameFault;

/** `skipping` passes over the rest of a frame whose fault has been told; the `ended` states have seen 0x1C and want 0x0D. */
type State = 'outside' | 'frame' | 'frame-ended' | 'skipping' | 'skipping-ended';

/**
 * Cuts a stream of bytes into frames (MLLP release 1, §2). What comes out does not depend on how the stream is cut into
 * chunks. It never throws: a fault is a value among the frames, and decoding goes on at the next 0x0B. CR and LF between
 * frames, and 0x0B repeated before content, are passed over: senders do that.
 */
export class MllpDecoder {
  readonly #maxBytes: number;
  readonly #content = new Assembly();
  readonly #stray = new Assembly();
  #state: State = 'outside';
  #strayTold = false;
  #discarded = 0;

  /** @param maxBytes of a frame's content; what is longer is a fault, told as soon as it is known */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes so far that did not become a frame and are in no fault's content. */
  get discarded(): number {
    return this.#discarded;
  }

  /** Whether the stream stands between two frames, with nothing left over. */
  get atRest(): boolean {
    return this.#state === 'outside' && this.#stray.length === 0 && !this.#strayTold;
  }

  /** Bytes of an unfinished frame that are held. */
  get buffered(): number {
    return this.#content.length;
  }

  /**
   * The frames and faults that end in this chunk, in order. A frame that lies wholly in the chunk is a view of it: the
   * chunk must not be used again.
   */
  decode(chunk: Buffer): Framed[] {
    const framed: Framed[] = [];
    const length = chunk.length;
    // Found once and kept until passed, so that a chunk of any content is searched in linear time.
    let start = -1;
    let end = -1;
    let at = 0;
    while (at < length) {
      const state = this.#state;
      if (state === 'frame-ended' || state === 'skipping-ended') {
        at = this.#afterEnd(chunk, at, framed);
        continue;
      }
      if (start < at) start = position(chunk, START, at);
      if (state === 'outside') {
        this.#passStray(chunk.subarray(at, start), framed);
        if (start < length) this.#begin(framed);
        at = start + 1;
        continue;
      }
      if (end < at) end = position(chunk, END, at);
      const stop = start < end ? start : end;
      if (state === 'skipping') {
        this.#discarded += stop - at;
        at = stop + 1;
        if (stop < length) this.#state = stop === start ? 'frame' : 'skipping-ended';
        continue;
      }
      const room = this.#maxBytes - this.#content.length;
      if (stop - at > room) {
        framed.push(this.#oversize(chunk.subarray(at, at + room + 1)));
        at += room + 1;
        continue;
      }
      // Nearly every frame lies in one chunk: it is taken from there, uncopied.
      if (this.#content.length === 0 && (stop === start ? stop : stop + 1) < length) {
        at = this.#takeWhole(chunk, at, stop, framed);
        continue;
      }
      this.#content.append(chunk.subarray(at, stop));
      at = stop + 1;
      if (stop === length) break;
      if (stop === end) this.#state = 'frame-ended';
      else if (this.#content.length > 0) framed.push(new FrameFault('mllp.unended-frame', this.#content.take()));
    }
    return framed;
  }

  /** What is left when the stream has ended: a frame that never did, or stray bytes. The decoder is as new then. */
  end(): FrameFault | undefined {
    const state = this.#state;
    this.#state = 'outside';
    if (state === 'frame' && this.#content.length > 0) {
      return new FrameFault('mllp.unended-frame', this.#content.take());
    }
    if (state === 'frame-ended') return new FrameFault('mllp.bad-end', this.#content.take());
    return this.#takeStray();
  }

  #begin(framed: Framed[]): void {
    const stray = this.#takeStray();
    if (stray) framed.push(stray);
    this.#state = 'frame';
  }

  /** A frame whose content and end are in this chunk; answers where to go on. */
  #takeWhole(chunk: Buffer, at: number, stop: number, framed: Framed[]): number {
    const content = chunk.subarray(at, stop);
    if (chunk[stop] === START) {
      if (content.length > 0) framed.push(new FrameFault('mllp.unended-frame', content));
      return stop + 1;
    }
    if (chunk[stop + 1] === CARRIAGE_RETURN) {
      framed.push(content);
      this.#state = 'outside';
      return stop + 2;
    }
    framed.push(new FrameFault('mllp.bad-end', content));
    this.#state = 'skipping';
    return stop + 1;
  }

  /** The byte after 0x1C; answers where to go on. */
  #afterEnd(chunk: Buffer, at: number, framed: Framed[]): number {
    const ended = chunk[at] === CARRIAGE_RETURN;
    if (this.#state === 'skipping-ended') {
      this.#state = ended ? 'outside' : 'skipping';
    } else if (ended) {
      framed.push(this.#content.take());
      this.#state = 'outside';
    } else {
      framed.push(new FrameFault('mllp.bad-end', this.#content.take()));
      this.#state = 'skipping';
    }
    // Any other byte is looked at again: 0x0B begins a frame, 0x1C may be the end after all.
    return ended ? at + 1 : at;
  }

  #oversize(piece: Buffer): FrameFault {
    this.#content.append(piece);
    const length = this.#content.length;
    const shown = Buffer.from(this.#content.take().subarray(0, OVERSIZE_SHOWN));
    this.#discarded += length - shown.length;
    this.#state = 'skipping';
    return new FrameFault('mllp.oversize', shown);
  }

  /** A run of stray bytes is told once: when it ends, or as soon as there is enough to show. */
  #passStray(bytes: Buffer, framed: Framed[]): void {
    const from = this.#strayTold || this.#stray.length > 0 ? 0 : contentStart(bytes);
    if (from === bytes.length) return;
    const shown = this.#strayTold ? NOTHING : bytes.subarray(from, from + STRAY_SHOWN - this.#stray.length);
    this.#stray.append(shown);
    this.#discarded += bytes.length - from - shown.length;
    if (this.#stray.length === STRAY_SHOWN) {
      framed.push(new FrameFault('mllp.stray-bytes', this.#stray.take()));
      this.#strayTold = true;
    }
  }

  #takeStray(): FrameFault | undefined {
    this.#strayTold = false;
    return this.#stray.length > 0 ? new FrameFault('mllp.stray-bytes', this.#stray.take()) : undefined;
  }
}

/** Where `byte` is, or the chunk's length. */
function position(chunk: Buffer, byte: number, from: number): number {
  const found = chunk.indexOf(byte, from);
  return found < 0 ? chunk.length : found;
}

function contentStart(bytes: Buffer): number {
  let at = 0;
  while (bytes[at] === CARRIAGE_RETURN || bytes[at] === LINE_FEED) at++;
  return at;
}
