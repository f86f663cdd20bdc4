import { ACK, ENQ, EOT, NAK } from './control.ts';
import { FrameReader, type Read } from './frame-reader.ts';
import { Incoming } from './incoming.ts';
import type { LinkSettings } from './link-options.ts';
import type { LinkOutput } from './link-output.ts';

/** Of a message that is too long so much is shown: enough for its header and first records. */
const OVERSIZE_SHOWN = 65_536;

const NO_FRAME = { number: 0, text: Buffer.alloc(0) };

/**
 * `deciding` waits for the word on a message, its sender for the answer. `abandoned` waits for the word, too, but the
 * sender has left: the line is neutral. `refusing` lets a transmission that is too long run out.
 */
type State = 'idle' | 'receiving' | 'deciding' | 'abandoned' | 'refusing';

/** The receiving half of a link (LIS01-A2 §6.2 to §6.5). */
export class Receiver {
  readonly #settings: LinkSettings;
  readonly #reader: FrameReader;
  readonly #incoming = new Incoming();
  #state: State = 'idle';
  #due = 0;
  #heardAt = 0;
  #enquiry = false;
  /** Of the frame that the decision is about. */
  #decided: { readonly number: number; readonly text: Buffer } = NO_FRAME;
  /** The message told last and refused; its last frame comes again. */
  #refused: Buffer | undefined;
  #told: Buffer | undefined;
  #passed = 0;
  #interrupts = false;

  constructor(settings: LinkSettings) {
    this.#settings = settings;
    this.#reader = new FrameReader({ textBytes: settings.receiveTextBytes, checksum: settings.checksum });
  }

  /** Whether the other side has the line. */
  get active(): boolean {
    return this.#state !== 'idle' && this.#state !== 'abandoned';
  }

  get deciding(): boolean {
    return this.#state === 'deciding' || this.#state === 'abandoned';
  }

  get stray(): number {
    return this.#passed + this.#reader.stray;
  }

  get deadline(): number | undefined {
    const quiet = this.#unsettled ? this.#heardAt + this.#settings.times.quietMs : Number.POSITIVE_INFINITY;
    const due = this.#state === 'deciding' ? Number.POSITIVE_INFINITY : this.#due;
    const first = Math.min(quiet, due);
    return first === Number.POSITIVE_INFINITY ? undefined : first;
  }

  /** Counts a byte that came while the line was neutral. */
  pass(): void {
    this.#passed++;
  }

  /** Has the next frame taken answered by EOT. */
  interrupt(): void {
    this.#interrupts = this.active;
  }

  /** Takes the line's other end for the sender (§6.2). */
  begin(now: number, out: LinkOutput[]): void {
    this.#incoming.restart();
    this.#reader.reset();
    this.#refused = undefined;
    this.#decided = NO_FRAME;
    this.#enquiry = false;
    this.#interrupts = false;
    this.#state = 'receiving';
    this.#reply(ACK, now, out);
  }

  /** Reads one thing from `at` on; answers where to go on. */
  read(chunk: Buffer, at: number, now: number, out: LinkOutput[]): number {
    this.#enquiry = false;
    const { read, next } = this.#reader.read(chunk, at);
    this.#heardAt = now;
    // What is coming in holds the timer off, unless it is garbage without end.
    if (this.#reader.inFrame && !this.#reader.oversize) this.#due = now + this.#settings.times.frameMs;
    if (read) this.#take(read, now, out);
    return next;
  }

  /** Answers whether the other side asks for the line anew. */
  tick(now: number, out: LinkOutput[]): boolean {
    if (this.#unsettled && now >= this.#heardAt + this.#settings.times.quietMs) {
      if (this.#enquiry) return this.#restart(out);
      for (const read of this.#reader.settle()) {
        if (read.kind === 'control' && read.byte === ENQ) return this.#restart(out);
        if (this.active) this.#take(read, now, out);
      }
    }
    if (this.#state !== 'deciding' && this.active && now >= this.#due) this.#leave(out);
    return false;
  }

  decide(accepted: boolean, now: number, out: LinkOutput[]): void {
    const told = this.#told;
    this.#told = undefined;
    if (this.#state === 'abandoned') {
      this.#state = 'idle';
      out.push({ kind: 'fault', code: 'astm.late-decision' });
      return;
    }
    this.#state = 'receiving';
    if (accepted) {
      this.#incoming.taken(this.#decided.number, this.#decided.text);
      this.#decided = NO_FRAME;
      this.#acknowledge(now, out);
    } else {
      this.#refused = told;
      this.#reply(NAK, now, out);
    }
  }

  end(out: LinkOutput[]): void {
    this.#leave(out);
    this.#told = undefined;
    this.#state = 'idle';
  }

  get #unsettled(): boolean {
    return this.active && (this.#enquiry || this.#reader.unsettled);
  }

  #take(read: Read, now: number, out: LinkOutput[]): void {
    switch (read.kind) {
      case 'control':
        if (read.byte === EOT) this.#leave(out);
        // A true ENQ is followed by silence; one that noise made of a byte between two frames is not.
        else if (read.byte === ENQ) this.#enquiry = true;
        return;
      case 'cut':
        out.push({ kind: 'fault', code: read.code });
        return;
      case 'bad':
        out.push({ kind: 'fault', code: read.code });
        this.#answer(NAK, now, out);
        return;
      case 'frame':
        this.#frame(read, now, out);
        return;
      default:
        read satisfies never;
    }
  }

  #frame(frame: Read & { kind: 'frame' }, now: number, out: LinkOutput[]): void {
    // While a message waits, its frame may come again from an impatient sender: one answer will do for both.
    if (this.#state === 'deciding') return;
    if (this.#state === 'refusing') {
      this.#answer(NAK, now, out);
      return;
    }
    if (this.#incoming.repeats(frame.number, frame.text)) {
      this.#acknowledge(now, out);
      return;
    }
    if (this.#settings.numbers === 'verify' && frame.number !== this.#incoming.expected) {
      out.push({ kind: 'fault', code: 'astm.bad-number' });
      this.#reply(NAK, now, out);
      return;
    }
    if (this.#refused) {
      this.#tell(this.#refused, frame, out);
      this.#refused = undefined;
      return;
    }
    if (this.#incoming.length + frame.text.length > this.#settings.maxMessageBytes) {
      this.#refuse(now, out);
      return;
    }
    this.#incoming.append(frame.text, frame.last);
    if (frame.last && (this.#settings.messageEnd === 'frame' || this.#incoming.terminated)) {
      this.#tell(this.#incoming.take(), frame, out);
    } else {
      this.#incoming.taken(frame.number, frame.text);
      this.#acknowledge(now, out);
    }
  }

  #tell(content: Buffer, frame: { readonly number: number; readonly text: Buffer }, out: LinkOutput[]): void {
    this.#decided = frame;
    this.#told = content;
    this.#state = 'deciding';
    out.push({ kind: 'message', content });
  }

  #refuse(now: number, out: LinkOutput[]): void {
    const content = this.#incoming.take();
    const shown = content.length > OVERSIZE_SHOWN ? Buffer.from(content.subarray(0, OVERSIZE_SHOWN)) : content;
    out.push({ kind: 'incomplete', code: 'astm.oversize', content: shown });
    this.#state = 'refusing';
    this.#reply(NAK, now, out);
  }

  /** The transmission is over; what is left of a message is none. */
  #leave(out: LinkOutput[]): void {
    if (this.#reader.inFrame) out.push({ kind: 'fault', code: 'astm.unended-frame' });
    this.#reader.reset();
    this.#enquiry = false;
    if (this.#state === 'deciding' || this.#state === 'abandoned') {
      this.#state = 'abandoned';
      return;
    }
    const left = this.#incoming.take();
    if (left.length > 0) out.push({ kind: 'incomplete', code: 'astm.incomplete', content: left });
    this.#refused = undefined;
    this.#state = 'idle';
  }

  #restart(out: LinkOutput[]): boolean {
    this.#leave(out);
    return true;
  }

  /** To a frame that cannot be the awaited one there is no answer while the awaited one has none. */
  #answer(byte: number, now: number, out: LinkOutput[]): void {
    if (this.#state !== 'deciding') this.#reply(byte, now, out);
  }

  #acknowledge(now: number, out: LinkOutput[]): void {
    this.#reply(this.#interrupts ? EOT : ACK, now, out);
    this.#interrupts = false;
  }

  #reply(byte: number, now: number, out: LinkOutput[]): void {
    this.#due = now + this.#settings.times.frameMs;
    out.push({ kind: 'write', bytes: Buffer.of(byte) });
  }
}
