import { ProtocolFault } from '../../protocols/fault.ts';
import type { Charset } from '../../protocols/hl7v2/charset.ts';
import { DEFAULT_DELIMITERS, type Delimiters } from '../../protocols/hl7v2/delimiters.ts';
import { declaresDelimiters, packedName } from '../../protocols/hl7v2/layout.ts';
import { Hl7Message } from '../../protocols/hl7v2/message.ts';
import type { Path, Predicate, Selector } from '../../protocols/hl7v2/path.ts';
import { isEvery } from '../../protocols/hl7v2/select.ts';
import { edited, gapAfter, type Line, lineOf, startsOf } from './hl7-line.ts';
import { adopted, decoded, encoded, partOf, type Separators, separatorsOf, withPart } from './hl7-text.ts';
import type { Hl7View } from './hl7-view.ts';
import { LeftRepetitions } from './left-repetitions.ts';
import { asText, RawText, type Value } from './value.ts';

/**
 * A message that is being written: bytes as characters of one byte each, so that what no rule touches stays as it is, whatever it is.
 * Each change costs a few slices of one segment, where `Hl7Message.set` copies the message: 25 rules at 740 bytes take a sixth.
 */
export class Hl7Draft {
  readonly delimiters: Delimiters;
  readonly charset: Charset;
  readonly lines: Line[];
  /** The segments of the message that it began as, by their number there. */
  readonly origins: readonly Line[];
  /** The segment, and the repetition, that `insert` made last. */
  inserted: Line | undefined;
  insertedRepetition = 0;
  readonly #text: string;
  readonly #begin: number;
  readonly #view: Hl7View;
  readonly #separators: Separators;
  readonly #substitute: string | undefined;
  /** Of a message that is built: a path means the segment of its name that was made last. */
  readonly #latest: boolean;
  #recoded = false;
  /** What `clear` has left. */
  readonly repetitionsLeft = new LeftRepetitions();

  constructor(view: Hl7View, substitute: string | undefined, built: boolean) {
    const { layout } = view;
    const { starts, ends, names, bytes, delimiters } = layout;
    const { length } = view;
    this.delimiters = delimiters;
    this.charset = view.charset;
    this.#separators = delimiters === DEFAULT_DELIMITERS ? usual : separatorsOf(delimiters);
    this.#substitute = substitute;
    this.#latest = built;
    this.#text = view.text;
    this.#view = view;
    this.#begin = starts[0]!;
    this.lines = [];
    for (let index = 0; index < length; index++) {
      const next = index + 1 < length ? starts[index + 1]! : bytes.length;
      this.lines.push(lineOf(names[index]!, this.#text, index, starts[index]!, ends[index]!, next));
    }
    this.origins = this.lines.slice();
  }

  /** The first segment that a path matches, among those of the source's [first, last) where these are given. */
  line(path: Path, first = -1, last = -1): Line | undefined {
    const plain = path.plain || isEvery(path.segments);
    if (this.#latest && plain) return this.#lastNamed(path.name);
    const lines = first < 0 ? this.lines : this.origins;
    const end = first < 0 ? lines.length : last;
    let left = path.segments.index || 1;
    for (let at = first < 0 ? 0 : first; at < end; at++) {
      const line = lines[at]!;
      if (line.name !== path.name || line.gone || !(plain || this.#passes(line, path.segments))) continue;
      if (--left === 0) return line;
    }
    return undefined;
  }

  /** The segment in which a path means something to write: the first that has such a repetition, else the first. */
  lineFor(path: Path, first = -1, last = -1): Line | undefined {
    if (path.plain || isEvery(path.repetitions) || this.#latest) return this.line(path, first, last);
    const lines = this.every(path, first, last);
    if (lines.length < 2) return lines[0];
    return lines.find((line) => this.#has(line, path)) ?? lines[0];
  }

  /** All that it matches. */
  every(path: Path, first = -1, last = -1): Line[] {
    const from = first < 0 ? this.lines : this.origins.slice(first, last);
    const found = from.filter((line) => line.name === path.name && !line.gone && this.#passes(line, path.segments));
    return path.segments.index === 0 ? found : found.slice(path.segments.index - 1, path.segments.index);
  }

  /** Sets what a path names in a segment; in repetition `repetition` where that is given. */
  set(line: Line, path: Path, raw: string, repetition = this.#repetition(line, path)): void {
    const { repetition: tilde, component, subcomponent } = this.#separators;
    const at = declaresDelimiters(line.name) ? path.field - 1 : path.field;
    const old = this.#fieldAt(line, at);
    if (old === undefined && raw === '') return;
    const made = withPart(
      old ?? '',
      tilde,
      repetition,
      raw,
      component,
      path.component,
      subcomponent,
      path.subcomponent,
    );
    if (old !== undefined || made !== '') this.#setAt(line, at, path.field, made);
  }

  /** The whole field with all its repetitions, as its bytes stand. */
  field(line: Line, n: number): string {
    return this.#fieldAt(line, declaresDelimiters(line.name) ? n - 1 : n) ?? '';
  }

  setField(line: Line, n: number, raw: string): void {
    const at = declaresDelimiters(line.name) ? n - 1 : n;
    if (raw !== '' || this.#fieldAt(line, at) !== undefined) this.#setAt(line, at, n, raw);
  }

  /** A value as it stands in this message. */
  written(value: Value): string {
    if (value === undefined) return '';
    if (value === null) return '""';
    if (value instanceof RawText) return adopted(value, this.delimiters, this.charset, this.#substitute);
    return encoded(asText(value) ?? '', this.delimiters, this.charset, this.#substitute);
  }

  /** A new segment at the end, or beside another one. */
  add(text: string, where?: 'before' | 'after', beside?: Line): Line {
    const terminator = this.#terminator();
    const line = lineOf(packedName(text), text, -1, 0, text.length, text.length);
    line.gap = terminator;
    const neighbour = beside ?? this.lines.at(-1)!;
    const at = this.lines.lastIndexOf(neighbour);
    if (beside && where === 'before') {
      this.lines.splice(at, 0, line);
      return line;
    }
    const gap = gapAfter(neighbour);
    if (beside || gap === '') {
      line.gap = gap;
      neighbour.gap = terminator;
    }
    this.lines.splice(at + 1, 0, line);
    return line;
  }

  /** Empties what a path matches in a segment: repetitions, or components of them. */
  clear(line: Line, path: Path): void {
    const whole = this.field(line, path.field);
    if (whole === '') return;
    const tilde = this.#separators.repetition;
    const repetitions = tilde === '' ? [whole] : whole.split(tilde);
    const { index } = path.repetitions;
    let passed = 0;
    const left: string[] = [];
    const stay: number[] = [];
    for (const [at, repetition] of repetitions.entries()) {
      const meant = this.#repetitionPasses(repetition, path.repetitions) && (++passed === index || index === 0);
      if (meant && path.component === 0) continue;
      stay.push(at);
      const { component, subcomponent } = this.#separators;
      left.push(
        meant ? withPart(repetition, component, path.component, '', subcomponent, path.subcomponent) : repetition,
      );
    }
    if (stay.length < repetitions.length) this.repetitionsLeft.leave(line, path.field, stay);
    this.setField(line, path.field, left.join(tilde));
  }

  finish(): Hl7Message {
    const whole = this.#text;
    let text = '';
    // What no rule has touched goes in one piece, over as many fields and segments as there are.
    let from = 0;
    let to = this.#begin;
    for (const line of this.lines) {
      if (line.gone) continue;
      if (line.whole !== whole) {
        text +=
          whole.slice(from, to) +
          (line.edits ? edited(line, 0, this.#separators.field) : line.whole) +
          (line.gap ?? '');
        from = to;
        continue;
      }
      if (line.start !== to) {
        text += whole.slice(from, to);
        from = line.start;
      }
      if (line.edits) {
        text += edited(line, from, this.#separators.field);
        from = line.end;
      }
      to = line.next;
      if (line.gap === undefined) continue;
      text += whole.slice(from, line.end) + line.gap;
      from = to;
    }
    text += whole.slice(from, to);
    const message = new Hl7Message(
      Buffer.from(text, 'latin1'),
      this.#substitute === undefined ? {} : { substitute: this.#substitute },
      this.charset,
    );
    const named = this.#recoded ? message.get('MSH-18') : undefined;
    return named ? message.withCharset(named) : message;
  }

  /** How many repetitions a field has; none when it is empty. */
  repetitions(line: Line, n: number): number {
    const whole = this.field(line, n);
    const tilde = this.#separators.repetition;
    return whole === '' ? 0 : tilde === '' ? 1 : whole.split(tilde).length;
  }

  /** A field by its place in the segment; undefined where the segment ends before it. */
  #fieldAt(line: Line, at: number): string | undefined {
    const edit = line.edits?.[at];
    if (edit !== undefined) return edit;
    line.starts ??= this.#startsOf(line);
    const start = line.starts[at];
    const next = line.starts[at + 1];
    if (start === undefined || next === undefined) return line.edits && at < line.edits.length ? '' : undefined;
    return line.whole.slice(start, next - 1);
  }

  #startsOf({ origin, whole }: Line): readonly number[] {
    return origin < 0 ? startsOf(whole, this.delimiters.field) : this.#view.fields(origin);
  }

  #setAt(line: Line, at: number, n: number, raw: string): void {
    line.starts ??= this.#startsOf(line);
    line.edits ??= [];
    line.edits[at] = raw;
    if (n === CHARSET_FIELD && line.name === MSH) this.#recoded = true;
  }

  #lastNamed(name: number): Line | undefined {
    for (let at = this.lines.length - 1; at >= 0; at--) {
      const line = this.lines[at]!;
      if (line.name === name && !line.gone) return line;
    }
    return undefined;
  }

  /** Which repetition a path means, from 1; one that is not there yet by its index alone. */
  #repetition(line: Line, path: Path): number {
    if (path.plain) return 1;
    const { where, index } = path.repetitions;
    if (where.length === 0) return index || 1;
    const found = this.#matching(line, path);
    if (found === 0) throw new ProtocolFault('hl7v2.no-target', 'editing a message: no repetition matches');
    return found;
  }

  #has(line: Line, path: Path): boolean {
    const there = this.#fieldAt(line, declaresDelimiters(line.name) ? path.field - 1 : path.field) !== undefined;
    return there && this.#matching(line, path) > 0;
  }

  /** The repetition that a path selects, from 1; 0 when there is none. */
  #matching(line: Line, path: Path): number {
    const whole = this.field(line, path.field);
    const tilde = this.#separators.repetition;
    let left = path.repetitions.index || 1;
    const repetitions = tilde === '' ? [whole] : whole.split(tilde);
    for (let at = 0; at < repetitions.length; at++)
      if (this.#repetitionPasses(repetitions[at]!, path.repetitions) && --left === 0) return at + 1;
    return 0;
  }

  #passes(line: Line, { where }: Selector): boolean {
    if (where.length === 0) return true;
    return where.every((predicate) => {
      const whole = this.field(line, predicate.field);
      const tilde = this.#separators.repetition;
      return (tilde === '' ? [whole] : whole.split(tilde)).some((each) => this.#holds(each, predicate));
    });
  }

  #repetitionPasses(repetition: string, { where }: Selector): boolean {
    return where.every((predicate) => this.#holds(repetition, predicate));
  }

  #holds(repetition: string, { component, subcomponent, value }: Predicate): boolean {
    let raw: string | undefined = repetition;
    if (component > 0) raw = partOf(raw, this.#separators.component, component);
    if (raw !== undefined && subcomponent > 0) raw = partOf(raw, this.#separators.subcomponent, subcomponent);
    return raw !== undefined && raw !== '""' && decoded(raw, this.delimiters, this.charset) === value;
  }

  #terminator(): string {
    const gap = gapAfter(this.lines[0]!);
    return gap.startsWith('\r\n') ? '\r\n' : gap.startsWith('\n') ? '\n' : '\r';
  }
}

const MSH = packedName('MSH');
const usual = separatorsOf(DEFAULT_DELIMITERS);
const CHARSET_FIELD = 18;
