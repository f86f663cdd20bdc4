import { ProtocolFault } from '../fault.ts';
import { asBuffer } from '../hl7v2/bytes.ts';
import type { Charset } from '../hl7v2/charset.ts';
import { type Edit, splice } from '../hl7v2/splice.ts';
import { charsetOf, encode } from './charset.ts';
import { CR, LF } from './control.ts';
import { type Delimiters, readDelimiters } from './delimiters.ts';
import { withValue } from './edit.ts';
import type { FieldInput, RecordInput } from './input.ts';
import { writeRecord } from './input.ts';
import { type Path, readPath } from './path.ts';
import { AstmRecord } from './record.ts';
import { type NumberedRecord, sequences } from './sequence.ts';

export interface ParseOptions {
  /** The character set by name; ISO 8859-1 unless given. No set whose second bytes may be delimiters (GBK, Shift-JIS). */
  readonly charset?: string;
  /** What an edit writes for a character that the character set does not have; without it such an edit throws. */
  readonly substitute?: string;
}

/** Of a message's bytes those of one record, its CR not counted. */
interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * Reads a LIS02-A2 (E1394) message: records that end with CR; LF, CRLF, blank lines and blanks before H are taken, too.
 * The bytes are not copied and must not change afterwards.
 * @throws ProtocolFault astm.no-header, astm.bad-delimiters, astm.unknown-charset
 */
export function parse(raw: Uint8Array, options: ParseOptions = {}): AstmMessage {
  return new AstmMessage(raw, options);
}

/**
 * The messages of one transmission, each from its H up to the next: most transmissions hold one.
 * @throws ProtocolFault as `parse`
 */
export function parseAll(raw: Uint8Array, options: ParseOptions = {}): AstmMessage[] {
  const bytes = asBuffer(raw);
  const spans = recordSpans(bytes);
  const heads = spans.filter(({ start }, at) => at === 0 || bytes[start] === HEADER).map(({ start }) => start);
  return heads.map((start, at) => parse(bytes.subarray(at === 0 ? 0 : start, heads[at + 1]), options));
}

const HEADER = 0x48;

/** A message that is never changed: what edits it answers a new one, in which all other bytes are the same. */
export class AstmMessage {
  /** The very bytes that were parsed. */
  readonly raw: Uint8Array;
  readonly delimiters: Delimiters;
  readonly records: readonly AstmRecord[];
  readonly #options: ParseOptions;
  readonly #charset: Charset;
  readonly #spans: readonly Span[];

  /** @throws ProtocolFault as `parse` */
  constructor(raw: Uint8Array, options: ParseOptions) {
    const bytes = asBuffer(raw);
    const charset = charsetOf(options.charset);
    this.raw = raw;
    this.#options = options;
    this.#charset = charset;
    this.#spans = recordSpans(bytes);
    const texts = this.#spans.map(({ start, end }) => charset.decode(bytes, start, end));
    const delimiters = readDelimiters(texts[0] ?? '');
    this.delimiters = delimiters;
    this.records = texts.map((text) => new AstmRecord(text, delimiters, charset));
  }

  get header(): AstmRecord<'H'> {
    return this.records[0] as AstmRecord<'H'>;
  }

  /** The L record; undefined where the message was cut off. */
  get terminator(): AstmRecord<'L'> | undefined {
    return this.all('L')[0];
  }

  /** The records of a type, in order. */
  all<T extends string>(type: T): readonly AstmRecord<T>[] {
    return this.records.filter((record): record is AstmRecord<T> => record.type === type);
  }

  /**
   * The value at a path: `H-5.1`, `R[2]-4`; of the first record and repetition where it names none. Undefined where there is none.
   * @throws ProtocolFault astm.bad-path
   */
  get(path: string): string | undefined {
    const { type, record } = readPath(path);
    return this.all(type)[Math.max(1, record) - 1]?.get(path.slice(path.indexOf('-') + 1));
  }

  /** The values at a path in every record, and every repetition, of which it names none; empty ones left out, blanks around them, too. */
  every({ type, record, field, repeat, component }: Path): string[] {
    const records = record === 0 ? this.all(type) : this.all(type).slice(record - 1, record);
    return records.flatMap((each) => {
      const repeats = each.repeats(field);
      return (repeat === 0 ? repeats : repeats.slice(repeat - 1, repeat)).flatMap(
        (components) => components[Math.max(0, component - 1)]?.trim() || [],
      );
    });
  }

  /**
   * The message with the value at a path set: one value or, where the path names no component, components or
   * repetitions. A record that is not in the message's character set is not edited: its other fields would not stay.
   * @throws ProtocolFault astm.bad-path, astm.no-target when there is no such record, astm.bad-value, astm.unencodable
   */
  set(path: string, input: FieldInput): AstmMessage {
    const place = readPath(path);
    const at = this.#find(place.type, Math.max(1, place.record));
    const text = withValue(this.records[at]!, place, input, this.delimiters);
    return this.#replaced([{ at, text }]);
  }

  /**
   * The message with a record put before number `at` of its records; its sequence number counts on from those before it.
   * `renumbered` puts those after it right.
   * @throws ProtocolFault astm.no-target, astm.bad-value, astm.unencodable
   */
  insert(at: number, input: RecordInput): AstmMessage {
    const before = this.#spans[at - 1];
    if (!before) throw noTarget();
    const earlier: NumberedRecord[] = [...this.records.slice(0, at), { type: input.type }];
    const text = `${writeRecord(input, this.delimiters, sequences(earlier).at(-1)!)}\r`;
    const bytes = asBuffer(this.raw);
    const place = this.#spans[at]?.start ?? bytes.length;
    const ended = bytes[place - 1] === CR || bytes[place - 1] === LF;
    return this.#edited([{ start: place, end: place, bytes: this.#encode(ended ? text : `\r${text}`) }]);
  }

  /**
   * The message without record number `at`; the header stays.
   * @throws ProtocolFault astm.no-target
   */
  remove(at: number): AstmMessage {
    const span = this.#spans[at];
    if (!span || at === 0) throw noTarget();
    const end = this.#spans[at + 1]?.start ?? this.raw.length;
    return this.#edited([{ start: span.start, end, bytes: Buffer.alloc(0) }]);
  }

  /** The message with the sequence number of each record counted anew (LIS02-A2 §5.6): by its parent, from 1. */
  renumbered(): AstmMessage {
    const numbers = sequences(this.records);
    const edits = this.records.flatMap((record, at) => {
      if (record.type === 'H' || record.sequence === numbers[at]) return [];
      const place = { field: 2, repeat: 0, component: 0 };
      return [{ at, text: withValue(record, place, numbers[at], this.delimiters) }];
    });
    return this.#replaced(edits);
  }

  #find(type: string, number: number): number {
    let left = number;
    const at = this.records.findIndex((record) => record.type === type && --left === 0);
    if (at < 0) throw noTarget();
    return at;
  }

  #replaced(changes: readonly { readonly at: number; readonly text: string }[]): AstmMessage {
    return this.#edited(changes.map(({ at, text }) => ({ ...this.#exactSpan(at), bytes: this.#encode(text) })));
  }

  /** Of a record to be written anew: its other fields must come out as they were. */
  #exactSpan(at: number): Span {
    const span = this.#spans[at]!;
    const same = this.#charset
      .encode(this.records[at]!.text, '?')
      .equals(asBuffer(this.raw).subarray(span.start, span.end));
    if (!same) throw new ProtocolFault('astm.unencodable', 'editing a record: it is not in the character set');
    return span;
  }

  #encode(text: string): Buffer {
    return encode(this.#charset, text, this.#options.substitute);
  }

  #edited(edits: readonly Edit[]): AstmMessage {
    return edits.length === 0 ? this : new AstmMessage(splice(asBuffer(this.raw), edits), this.#options);
  }
}

function noTarget(): ProtocolFault {
  return new ProtocolFault('astm.no-target', 'editing a message: it has no such record');
}

function recordSpans(bytes: Buffer): Span[] {
  const spans: Span[] = [];
  let start = 0;
  for (let at = 0; at <= bytes.length; at++) {
    if (at < bytes.length && bytes[at] !== CR && bytes[at] !== LF) continue;
    while (start < at && (bytes[start] === 0x20 || bytes[start] === 0x09)) start++;
    if (at > start) spans.push({ start, end: at });
    start = at + 1;
  }
  return spans;
}
