import type { Delimiters } from '../../protocols/hl7v2/delimiters.ts';
import { type HexDecoder, unescapeText } from '../../protocols/hl7v2/escape.ts';

/** A populated subcomponent: the least that can be lost. */
export class Leaf {
  /** Decoded; `""` as it stands. */
  readonly text: string;
  /** `""`: the sender asks to delete what is there (HL7 2.5.1 §2.5.3). */
  readonly deletes: boolean;
  /** What became of it: the row that took it, or `keep` or `ignore`; undefined while nothing has. */
  mark: string | undefined = undefined;

  constructor(text: string) {
    this.text = text;
    this.deletes = text === '""';
  }
}

type Leaves = readonly (Leaf | undefined)[];

/** One repetition of a field, or a component seen as one: what converters read, and mark as they do. */
export class View {
  /** By component from 0, by subcomponent from 0; undefined where nothing is. */
  readonly parts: readonly (Leaves | undefined)[];
  /** Whether anything but `""` is in it. */
  readonly valued: boolean;
  /** The first element that was made of it, for what it does not hold. */
  element: object | undefined = undefined;
  /** Its segment, and where it stands in it. */
  readonly #text: string;
  readonly #start: number;
  readonly #end: number;
  readonly #reader: TextReader;

  constructor(text: string, start: number, end: number, parts: View['parts'], reader: TextReader) {
    this.parts = parts;
    this.valued = isValued(parts);
    this.#text = text;
    this.#start = start;
    this.#end = end;
    this.#reader = reader;
  }

  /** As it stands, escapes included; empty for a component that is seen as a repetition. */
  get raw(): string {
    return this.#text.slice(this.#start, this.#end);
  }

  /** Component `n` from 1, its first subcomponent, marked as taken by `row`; undefined where it is empty or `""`. */
  take(n: number, row: string): string | undefined {
    const leaf = this.parts[n - 1]?.[0];
    if (leaf === undefined || leaf.deletes) return undefined;
    leaf.mark = row;
    return leaf.text;
  }

  takeSub(n: number, m: number, row: string): string | undefined {
    const leaf = this.parts[n - 1]?.[m - 1];
    if (leaf === undefined || leaf.deletes) return undefined;
    leaf.mark = row;
    return leaf.text;
  }

  /** As `take`, without marking. */
  peek(n: number): string | undefined {
    const leaf = this.parts[n - 1]?.[0];
    return leaf === undefined || leaf.deletes ? undefined : leaf.text;
  }

  peekSub(n: number, m: number): string | undefined {
    const leaf = this.parts[n - 1]?.[m - 1];
    return leaf === undefined || leaf.deletes ? undefined : leaf.text;
  }

  /** Marks component `n` as taken, where its text has been read before. */
  mark(n: number, row: string): void {
    const leaves = this.parts[n - 1];
    if (leaves) for (const leaf of leaves) if (leaf && !leaf.deletes) leaf.mark = row;
  }

  /** Marks what has been taken as taken by `row`. */
  markTaken(row: string): void {
    for (const leaves of this.parts)
      if (leaves) for (const leaf of leaves) if (leaf?.mark !== undefined) leaf.mark = row;
  }

  /** Component `n`, its subcomponents as components; undefined where it is empty. */
  sub(n: number): View | undefined {
    const leaves = this.parts[n - 1];
    return leaves && areValued(leaves) ? this.authority(leaves) : undefined;
  }

  /** Some of its leaves seen as the components of a value. */
  authority(leaves: Leaves): View {
    const parts = new Array<Leaves | undefined>(leaves.length);
    for (let n = 0; n < leaves.length; n++) {
      const leaf = leaves[n];
      parts[n] = leaf && [leaf];
    }
    return new View('', 0, 0, parts, this.#reader);
  }

  /** Whether anything of it has been taken. */
  isBegun(): boolean {
    for (const leaves of this.parts) if (leaves) for (const leaf of leaves) if (leaf?.mark !== undefined) return true;
    return false;
  }

  /** What has been taken of it, leaf by leaf, for a value that is the same to the letter. */
  marks(): readonly (string | undefined)[] {
    const marks: (string | undefined)[] = [];
    for (const leaves of this.parts) if (leaves) for (const leaf of leaves) if (leaf) marks.push(leaf.mark);
    return marks;
  }

  markAs(marks: readonly (string | undefined)[]): void {
    let at = 0;
    for (const leaves of this.parts) {
      if (leaves) {
        for (const leaf of leaves) {
          if (!leaf) continue;
          const mark = marks[at++];
          if (mark !== undefined) leaf.mark = mark;
        }
      }
    }
  }

  /** Whether component `n` holds anything but `""`. */
  has(n: number): boolean {
    const leaves = this.parts[n - 1];
    return leaves !== undefined && areValued(leaves);
  }

  /** All of it as one text, for values that are not divided: what looks like delimiters in a text was meant to be read. */
  whole(row: string): string {
    for (const leaves of this.parts) if (leaves) for (const leaf of leaves) if (leaf) leaf.mark = row;
    return this.#reader.text(this.raw);
  }

  *leaves(): Generator<readonly [component: number, subcomponent: number, leaf: Leaf]> {
    for (let n = 0; n < this.parts.length; n++) {
      const leaves = this.parts[n];
      for (let m = 0; leaves && m < leaves.length; m++) {
        const leaf = leaves[m];
        if (leaf) yield [n + 1, m + 1, leaf];
      }
    }
  }
}

const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;
const CONTROLS = new RegExp(CONTROL, 'g');

/** Divides the text of one message's segments. */
export class TextReader {
  readonly #delimiters: Delimiters;
  readonly #hex: HexDecoder;
  readonly #field: string;
  readonly #subcomponent: string;
  readonly #escape: string;
  /** Whether the field at hand has neither escapes nor control characters. */
  #plain = false;

  constructor(delimiters: Delimiters, hex: HexDecoder) {
    this.#delimiters = delimiters;
    this.#hex = hex;
    this.#field = sign(delimiters.field);
    this.#subcomponent = sign(delimiters.subcomponent);
    this.#escape = sign(delimiters.escape);
  }

  /** The repetitions of each field, the field's number the index; undefined where a field is empty. */
  fields(text: string): (readonly View[] | undefined)[] {
    const { field, repetition, component, subcomponent, escape: escaping } = this.#delimiters;
    const length = text.length;
    let start = text.indexOf(this.#field) + 1;
    if (start === 0) return [undefined];
    // Counted, then filled: what grows costs several times its size.
    let count = 1;
    for (let at = start - 1; at < length; at++) if (text.charCodeAt(at) === field) count++;
    let n = 0;
    const declares = start === 4 && declaresDelimiters(text);
    const fields = new Array<readonly View[] | undefined>(declares ? count + 1 : count);
    fields[n++] = undefined;
    if (declares) {
      fields[n++] = [this.#verbatim(text, 3, 4)];
      let end = text.indexOf(this.#field, start);
      if (end < 0) end = length;
      fields[n++] = [this.#verbatim(text, start, end)];
      if (end === length) return fields;
      start = end + 1;
    }
    let divided = false;
    let repeated = false;
    // Escapes and control characters are rare, and looking for them once is cheaper than at each of a field's values.
    this.#plain = true;
    for (let at = start; at <= length; at++) {
      const code = at === length ? field : text.charCodeAt(at);
      if (code === field) {
        if (at === start) fields[n++] = undefined;
        else if (repeated) fields[n++] = this.#repetitions(text, start, at);
        else fields[n++] = this.#field_(text, start, at, divided);
        start = at + 1;
        divided = repeated = false;
        this.#plain = true;
      } else if (code === component || code === subcomponent) divided = true;
      else if (code === repetition) repeated = true;
      else if (code < 0x20 || code === escaping || code >= 0xfffe) this.#plain = false;
    }
    return fields;
  }

  /** The text of a value that is not divided. Control characters that FHIR does not allow are left out. */
  text(raw: string): string {
    const text =
      this.#escape !== '' && raw.includes(this.#escape) ? unescapeText(raw, this.#delimiters, this.#hex) : raw;
    return CONTROL.test(text) ? text.replace(CONTROLS, '') : text;
  }

  #verbatim(text: string, start: number, end: number): View {
    return new View(text, start, end, [[new Leaf(text.slice(start, end))]], this);
  }

  #field_(text: string, start: number, end: number, divided: boolean): readonly View[] | undefined {
    if (!divided) {
      const leaf = this.#made(text.slice(start, end));
      return leaf && [new View(text, start, end, [[leaf]], this)];
    }
    const parts = this.#components(text, start, end);
    return holds(parts) ? [new View(text, start, end, parts, this)] : undefined;
  }

  #repetitions(text: string, start: number, end: number): readonly View[] | undefined {
    const { repetition } = this.#delimiters;
    const views: View[] = [];
    let held = false;
    let from = start;
    for (let at = start; at <= end; at++) {
      if (at < end && text.charCodeAt(at) !== repetition) continue;
      const parts = this.#components(text, from, at);
      views.push(new View(text, from, at, parts, this));
      if (holds(parts)) held = true;
      from = at + 1;
    }
    return held ? views : undefined;
  }

  #components(text: string, start: number, end: number): View['parts'] {
    const { component, subcomponent } = this.#delimiters;
    let count = 1;
    for (let at = start; at < end; at++) if (text.charCodeAt(at) === component) count++;
    const parts = new Array<Leaves | undefined>(count);
    let from = start;
    let divided = false;
    for (let n = 0, at = start; at <= end; at++) {
      const code = at === end ? component : text.charCodeAt(at);
      if (at < end && code !== component) {
        if (code === subcomponent) divided = true;
        continue;
      }
      if (at === from) parts[n++] = undefined;
      else if (divided) parts[n++] = this.#subcomponents(text.slice(from, at));
      else {
        const leaf = this.#made(text.slice(from, at));
        parts[n++] = leaf && [leaf];
      }
      from = at + 1;
      divided = false;
    }
    return parts;
  }

  #subcomponents(raw: string): Leaves | undefined {
    const leaves = raw.split(this.#subcomponent).map((part) => this.#made(part));
    return leaves.some((leaf) => leaf !== undefined) ? leaves : undefined;
  }

  /** Blanks alone are nothing: FHIR has no such text. */
  #made(raw: string): Leaf | undefined {
    if (raw === '') return undefined;
    const text = this.#plain ? raw : this.text(raw);
    const trimmed = isTrimmed(text) ? text : text.trim();
    return trimmed === '' ? undefined : new Leaf(trimmed);
  }
}

/** Whether something has become of all of it. */
export function isTaken({ parts }: View): boolean {
  for (const leaves of parts) {
    if (leaves) for (const leaf of leaves) if (leaf && leaf.mark === undefined) return false;
  }
  return true;
}

/** Whether nothing can be cut off at its ends; of what is beyond ASCII that is not said. */
function isTrimmed(text: string): boolean {
  const first = text.charCodeAt(0);
  const last = text.charCodeAt(text.length - 1);
  return first > 0x20 && first < 0x7f && last > 0x20 && last < 0x7f;
}

function areValued(leaves: Leaves): boolean {
  for (const leaf of leaves) if (leaf && !leaf.deletes) return true;
  return false;
}

function isValued(parts: View['parts']): boolean {
  for (const leaves of parts) if (leaves && areValued(leaves)) return true;
  return false;
}

function holds(parts: View['parts']): boolean {
  for (const leaves of parts) if (leaves) return true;
  return false;
}

function declaresDelimiters(text: string): boolean {
  return text.startsWith('MSH') || text.startsWith('FHS') || text.startsWith('BHS');
}

function sign(code: number): string {
  return code < 0 ? '' : String.fromCharCode(code);
}
