import { ProtocolFault } from '../fault.ts';
import { asBuffer } from './bytes.ts';
import { type Charset, charsetNamed } from './charset.ts';
import { type Delimiters, findHeader, readDelimiters } from './delimiters.ts';
import { appendRepetition, insertRepetition, removeValues, setEvery, setFirst } from './edit.ts';
import { type FieldInput, isSegment, type RepetitionInput, type SegmentInput, writeSegment } from './input.ts';
import { Layout, packedName } from './layout.ts';
import { compilePath, type Path } from './path.ts';
import { compiled, everyValue, firstValue, identifiers, isPresent } from './read.ts';
import { Segment } from './segment.ts';
import { appended, insertSegment, picked, removeSegments } from './segment-edit.ts';

export interface ParseOptions {
  /** The character set by name, whatever MSH-18 says: for senders that declare none, or a wrong one. */
  readonly charset?: string;
  /** What an edit writes for a character that the character set does not have; without it such an edit throws. */
  readonly substitute?: string;
}

/** Where a segment or a repetition goes: beside the first that the path matches. */
export type Position = { readonly before: string | Path } | { readonly after: string | Path };

/**
 * Reads a message; costs next to nothing until it is asked for values. Segments may end with CR, LF or CRLF, mixed too;
 * blank lines and a byte order mark before MSH are passed over. The bytes are not copied and must not change afterwards.
 * @throws ProtocolFault hl7v2.no-header, hl7v2.truncated-header, hl7v2.bad-delimiters, hl7v2.unknown-charset
 */
export function parse(raw: Uint8Array, options: ParseOptions = {}): Hl7Message {
  return new Hl7Message(raw, options);
}

/**
 * An HL7 v2 message that is never changed: what sets a value answers a new message. Paths are as `compilePath` reads
 * them, and may be given as text or compiled.
 */
export class Hl7Message {
  /** The very bytes that were parsed. */
  readonly raw: Uint8Array;
  readonly #layout: Layout;
  readonly #options: ParseOptions;

  /**
   * @param charset the character set, when it is known already
   * @throws ProtocolFault as `parse`
   */
  constructor(raw: Uint8Array, options: ParseOptions, charset?: Charset) {
    const bytes = asBuffer(raw);
    const at = findHeader(bytes);
    if (at < 0) throw new ProtocolFault('hl7v2.no-header', 'reading a message: it does not begin with MSH', 0);
    const asked = options.charset === undefined ? charset : charsetOrFault(options.charset);
    this.raw = raw;
    this.#options = options;
    this.#layout = new Layout(bytes, at, readDelimiters(bytes, at), asked);
  }

  /** Message code and trigger event, `ADT^A01`; the code alone where there is no event; empty where there is none. */
  get type(): string {
    const event = this.get(EVENT);
    return event ? `${this.get(CODE) ?? ''}^${event}` : (this.get(CODE) ?? '');
  }

  /** MSH-9.3, `ADT_A01`. */
  get structure(): string | undefined {
    return this.get(STRUCTURE) ?? undefined;
  }

  /** MSH-10; empty where there is none. */
  get controlId(): string {
    return this.get(CONTROL_ID) ?? '';
  }

  /** MSH-12.1, `2.5.1`; empty where there is none. */
  get version(): string {
    return this.get(VERSION) ?? '';
  }

  /** The character set that the text is in, as IANA names it: `utf-8`, `iso-8859-1`. */
  get charset(): string {
    return this.#layout.charset.name;
  }

  get delimiters(): Delimiters {
    return this.#layout.delimiters;
  }

  /**
   * The value at the first match of a path: decoded, its escapes resolved; undefined when absent or empty, null for `""`
   * (delete). Without a selector the first match is the first such segment and its first repetition, filled or not. A
   * path that ends above the last level gives all that is there, the delimiters of deeper levels included.
   * @throws ProtocolFault hl7v2.bad-path, also when the path names no field
   */
  get(path: string | Path): string | null | undefined {
    return firstValue(this.#layout, compiled(path));
  }

  /**
   * The values at every match of a path, over segments and repetitions; empty ones and `""` are left out.
   * @throws ProtocolFault hl7v2.bad-path, also when the path names no field
   */
  all(path: string | Path): string[] {
    return everyValue(this.#layout, compiled(path));
  }

  /**
   * Whether any match of a path holds something, `""` included; for a path without a field, whether there is such a segment.
   * @throws ProtocolFault hl7v2.bad-path
   */
  has(path: string | Path): boolean {
    return isPresent(this.#layout, compiled(path));
  }

  /**
   * The identifiers at every match of the paths, each once, in the order of the paths: for a path to a field, component 1
   * and `^` and the assigning authority (CX-4, its subcomponents kept), as `12345^HOSP`, or component 1 alone when there is
   * no authority; for a path to a component, its value.
   * @throws ProtocolFault hl7v2.bad-path
   */
  keys(...paths: readonly (string | Path)[]): string[] {
    return identifiers(this.#layout, paths);
  }

  /** The segments in order, all or those of one name. */
  segments(name?: string): Segment[] {
    const layout = this.#layout;
    const packed = name === undefined ? 0 : packedName(name);
    const segments: Segment[] = [];
    for (let index = 0; layout.reach(index); index++) {
      if (name === undefined || layout.names[index] === packed) segments.push(new Segment(layout, index));
    }
    return segments;
  }

  /** The whole message as characters, terminators and all. */
  text(): string {
    return this.#layout.charset.decode(this.#layout.bytes, 0, this.#layout.bytes.length);
  }

  /**
   * A message with the first match of `path` set: text is escaped, null becomes `""`, undefined empties. A list gives the
   * parts of the level below. The place is made where it is missing, also the segment (at the end) when the path does not
   * select among segments. `{ repetitions }` replaces a whole field.
   * @throws ProtocolFault hl7v2.no-target, hl7v2.bad-value, hl7v2.unencodable, hl7v2.bad-path
   */
  set(path: string | Path, value: FieldInput): Hl7Message {
    return this.#with(setFirst(this.#layout, compiled(path), value, this.#options.substitute));
  }

  /**
   * A message with every match of `path` set, as `set` does; the same when there is none.
   * @throws ProtocolFault hl7v2.no-target, hl7v2.bad-value, hl7v2.unencodable, hl7v2.bad-path
   */
  setAll(path: string | Path, value: FieldInput): Hl7Message {
    return this.#with(setEvery(this.#layout, compiled(path), value, this.#options.substitute));
  }

  /**
   * A message with one more segment at its end, or one more repetition at the end of a field.
   * @throws ProtocolFault hl7v2.no-target, hl7v2.bad-value, hl7v2.unencodable, hl7v2.bad-path
   */
  append(segment: SegmentInput): Hl7Message;
  append(path: string | Path, repetition: RepetitionInput): Hl7Message;
  append(target: SegmentInput | string | Path, repetition?: RepetitionInput): Hl7Message {
    const { substitute } = this.#options;
    if (isSegment(target)) return this.#with(appended(this.#layout, writeSegment(target, this.delimiters), substitute));
    return this.#with(appendRepetition(this.#layout, compiled(target), repetition, substitute));
  }

  /**
   * A message with one more segment or repetition, beside the first that the position's path matches.
   * @throws ProtocolFault hl7v2.no-target, hl7v2.bad-value, hl7v2.unencodable, hl7v2.bad-path
   */
  insert(position: Position, input: SegmentInput | RepetitionInput): Hl7Message {
    const after = 'after' in position;
    const path = compiled(after ? position.after : position.before);
    const { substitute } = this.#options;
    if ((path.field === 0) !== isSegment(input)) {
      throw new ProtocolFault(
        'hl7v2.bad-value',
        'inserting: a segment goes beside a segment, a value beside a repetition',
      );
    }
    if (isSegment(input)) {
      const text = writeSegment(input, this.delimiters);
      return this.#with(insertSegment(this.#layout, path, text, after, substitute));
    }
    return this.#with(insertRepetition(this.#layout, path, input, after, substitute));
  }

  /**
   * A message without what `path` matches: segments, repetitions (all of a field when it selects none), or the contents of
   * components. The same when nothing matches.
   * @throws ProtocolFault hl7v2.no-target for MSH and its delimiters, hl7v2.bad-path
   */
  remove(path: string | Path): Hl7Message {
    const place = compiled(path);
    return this.#with(place.field === 0 ? removeSegments(this.#layout, place) : removeValues(this.#layout, place));
  }

  /** A message of these of its segments only, by their numbers from 0 and in this order. MSH has to be the first of them. */
  pick(indexes: readonly number[]): Hl7Message {
    return this.#with(picked(this.#layout, indexes));
  }

  /**
   * A message in another character set, which MSH-18 then names.
   * @param name of HL7 table 0211, or an alias that the receiver understands
   * @throws ProtocolFault hl7v2.unknown-charset, hl7v2.unencodable
   */
  withCharset(name: string): Hl7Message {
    const { substitute } = this.#options;
    const charset = charsetOrFault(name);
    const renamed = setFirst(this.#layout, CHARSET, name, substitute);
    const text = this.#layout.charset.decode(renamed, 0, renamed.length);
    return new Hl7Message(charset.encode(text, substitute), { ...this.#options, charset: name });
  }

  /** An edit keeps the character set, unless it has changed MSH-18: one that was taken from the bytes must not turn with them. */
  #with(raw: Buffer): Hl7Message {
    if (raw === this.#layout.bytes) return this;
    const edited = new Hl7Message(raw, this.#options, this.#layout.charset);
    return edited.get(CHARSET) === this.get(CHARSET) ? edited : new Hl7Message(raw, this.#options);
  }
}

const CODE = compilePath('MSH-9.1');
const EVENT = compilePath('MSH-9.2');
const STRUCTURE = compilePath('MSH-9.3');
const CONTROL_ID = compilePath('MSH-10');
const VERSION = compilePath('MSH-12.1');
const CHARSET = compilePath('MSH-18');

function charsetOrFault(name: string): Charset {
  const charset = charsetNamed(name);
  if (charset) return charset;
  throw new ProtocolFault('hl7v2.unknown-charset', 'reading a message: the character set asked for is not known');
}
