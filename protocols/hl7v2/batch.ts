import { ProtocolFault } from '../fault.ts';
import { asBuffer } from './bytes.ts';
import { DEFAULT_DELIMITERS, type Delimiters, readDelimiters } from './delimiters.ts';
import { Layout } from './layout.ts';
import { Segment } from './segment.ts';

/** What a file of messages holds (HL7 2.5.1 §2.10.3). A file of bare messages is one batch without header and trailer. */
export interface BatchFile {
  /** FHS. */
  readonly header: Segment | undefined;
  readonly batches: readonly Batch[];
  /** FTS. */
  readonly trailer: Segment | undefined;
  /** What contradicts the envelope. The messages are there all the same: whether to take them is not decided here. */
  readonly problems: readonly BatchProblem[];
}

export interface Batch {
  /** BHS. */
  readonly header: Segment | undefined;
  /** Views of the given bytes, each from its MSH up to what begins next. */
  readonly messages: readonly Uint8Array[];
  /** BTS. */
  readonly trailer: Segment | undefined;
}

/** `expected` is what the envelope says, where it says a number. */
export interface BatchProblem {
  readonly code: 'message-count' | 'batch-count' | 'no-trailer' | 'no-header' | 'second-header' | 'stray-segment';
  /** Where it shows. */
  readonly offset: number;
  readonly expected?: number;
  readonly actual?: number;
}

/**
 * Splits a file into its messages: with FHS and BHS envelopes, with either of them, or messages one after the other.
 * @throws ProtocolFault hl7v2.no-header when it begins with none of FHS, BHS and MSH; hl7v2.bad-delimiters and
 * hl7v2.truncated-header for an unreadable envelope
 */
export function splitBatch(raw: Uint8Array): BatchFile {
  const bytes = asBuffer(raw);
  const start = firstSegment(bytes);
  const lines = new Layout(bytes, start, DEFAULT_DELIMITERS);
  const splitter = new Splitter(bytes);
  for (let index = 0; lines.reach(index); index++) splitter.line(lines.starts[index]!);
  return splitter.end();
}

type Envelope = 'FHS' | 'BHS' | 'MSH' | 'BTS' | 'FTS';

interface OpenBatch {
  readonly at: number;
  readonly header: Segment | undefined;
  readonly messages: Uint8Array[];
}

class Splitter {
  readonly #bytes: Buffer;
  readonly #batches: Batch[] = [];
  readonly #problems: BatchProblem[] = [];
  #header: Segment | undefined;
  #trailer: Segment | undefined;
  #batch: OpenBatch | undefined;
  #message = -1;
  /** Those of the envelope segment read last; a trailer declares none of its own. */
  #delimiters: Delimiters = DEFAULT_DELIMITERS;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  line(at: number): void {
    const envelope = envelopeAt(this.#bytes, at);
    if (envelope === undefined) {
      if (this.#message < 0) this.#problems.push({ code: 'stray-segment', offset: at });
      return;
    }
    this.#endMessage(at);
    switch (envelope) {
      case 'FHS':
        if (this.#header) this.#problems.push({ code: 'second-header', offset: at });
        this.#header ??= this.#head(at);
        return;
      case 'BHS':
        this.#endBatch(undefined, at);
        this.#batch = { at, header: this.#head(at), messages: [] };
        return;
      case 'MSH':
        this.#batch ??= { at, header: undefined, messages: [] };
        this.#message = at;
        return;
      case 'BTS':
        this.#batchTrailer(at);
        return;
      case 'FTS':
        this.#fileTrailer(at);
        return;
      default:
        envelope satisfies never;
    }
  }

  end(): BatchFile {
    const { length } = this.#bytes;
    this.#endMessage(length);
    this.#endBatch(undefined, length);
    if (this.#header && !this.#trailer) this.#problems.push({ code: 'no-trailer', offset: length });
    return { header: this.#header, batches: this.#batches, trailer: this.#trailer, problems: this.#problems };
  }

  #batchTrailer(at: number): void {
    const trailer = this.#segment(at, this.#delimiters);
    if (!this.#batch?.header) this.#problems.push({ code: 'no-header', offset: at });
    this.#batch ??= { at, header: undefined, messages: [] };
    this.#compare('message-count', at, trailer, this.#batch.messages.length);
    this.#endBatch(trailer, at);
  }

  #fileTrailer(at: number): void {
    this.#endBatch(undefined, at);
    this.#trailer = this.#segment(at, this.#delimiters);
    if (!this.#header) this.#problems.push({ code: 'no-header', offset: at });
    this.#compare('batch-count', at, this.#trailer, this.#batches.length);
  }

  #compare(code: 'message-count' | 'batch-count', offset: number, trailer: Segment, actual: number): void {
    const said = trailer.get('1')?.trim();
    if (!said) return;
    const expected = Number(said);
    if (expected !== actual) this.#problems.push({ code, offset, expected, actual });
  }

  #endMessage(at: number): void {
    if (this.#message >= 0) this.#batch?.messages.push(this.#bytes.subarray(this.#message, at));
    this.#message = -1;
  }

  #endBatch(trailer: Segment | undefined, at: number): void {
    if (!this.#batch) return;
    const { header, messages } = this.#batch;
    if (header && !trailer) this.#problems.push({ code: 'no-trailer', offset: at });
    this.#batches.push({ header, messages, trailer });
    this.#batch = undefined;
  }

  #head(at: number): Segment {
    this.#delimiters = readDelimiters(this.#bytes, at);
    return this.#segment(at, this.#delimiters);
  }

  #segment(at: number, delimiters: Delimiters): Segment {
    const layout = new Layout(this.#bytes, at, delimiters);
    layout.reach(0);
    return new Segment(layout, 0);
  }
}

function firstSegment(bytes: Buffer): number {
  let at = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  while (bytes[at] === 0x0d || bytes[at] === 0x0a || bytes[at] === 0x20 || bytes[at] === 0x09) at++;
  const first = envelopeAt(bytes, at);
  if (first === 'FHS' || first === 'BHS' || first === 'MSH') return at;
  throw new ProtocolFault('hl7v2.no-header', 'splitting a batch: it begins with none of FHS, BHS and MSH', at);
}

/** Trailers may be nothing but their name; a header goes on with its field separator. */
function envelopeAt(bytes: Buffer, at: number): Envelope | undefined {
  const name = bytes.toString('latin1', at, at + 3);
  if (name !== 'FHS' && name !== 'BHS' && name !== 'MSH' && name !== 'BTS' && name !== 'FTS') return undefined;
  const next = bytes[at + 3] ?? 0x0d;
  const isWordCharacter = (next | 0x20) >= 0x61 && (next | 0x20) <= 0x7a;
  return isWordCharacter || (next >= 0x30 && next <= 0x39) ? undefined : name;
}
