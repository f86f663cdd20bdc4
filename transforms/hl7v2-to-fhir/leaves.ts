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
  /** As it stands, escapes included. */
  readonly raw: string;
  /** By component from 0, by subcomponent from 0; holes where nothing is. */
  readonly parts: readonly (Leaves | undefined)[];
  /** Whether anything but `""` is in it. */
  readonly valued: boolean;
  /** The first element that was made of it, for what it does not hold. */
  element: object | undefined = undefined;
  readonly #reader: TextReader;

  constructor(raw: string, parts: View['parts'], reader: TextReader) {
    this.raw = raw;
    this.parts = parts;
    this.valued = isValued(parts);
    this.#reader = reader;
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

  /** Component `n`, its subcomponents as components; undefined where it is empty. */
  sub(n: number): View | undefined {
    const leaves = this.parts[n - 1];
    return leaves && areValued(leaves) ? this.authority(leaves) : undefined;
  }

  /** Some of its leaves seen as the components of a value. */
  authority(leaves: Leaves): View {
    const parts: (Leaves | undefined)[] = [];
    for (const leaf of leaves) parts.push(leaf && [leaf]);
    return new View('', parts, this.#reader);
  }

  /** Whether anything of it has been taken. */
  isBegun(): boolean {
    for (const leaves of this.parts) if (leaves) for (const leaf of leaves) if (leaf?.mark !== undefined) return true;
    return false;
  }

  /** What has been taken of it, for a value that is the same to the letter. */
  marks(): readonly (readonly (string | undefined)[] | undefined)[] {
    return this.parts.map((leaves) => leaves?.map((leaf) => leaf?.mark));
  }

  markAs(marks: readonly (readonly (string | undefined)[] | undefined)[]): void {
    for (let n = 0; n < marks.length; n++) {
      const row = marks[n];
      for (let m = 0; row && m < row.length; m++) {
        const leaf = this.parts[n]?.[m];
        if (leaf && row[m] !== undefined) leaf.mark = row[m];
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
    for (const leaves of this.parts) for (const leaf of leaves ?? []) if (leaf) leaf.mark = row;
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
  readonly #repetition: string;
  readonly #component: string;
  readonly #subcomponent: string;
  readonly #escape: string;
  /** Whether the field at hand has neither escapes nor control characters. */
  #plain = false;

  constructor(delimiters: Delimiters, hex: HexDecoder) {
    this.#delimiters = delimiters;
    this.#hex = hex;
    this.#field = sign(delimiters.field);
    this.#repetition = sign(delimiters.repetition);
    this.#component = sign(delimiters.component);
    this.#subcomponent = sign(delimiters.subcomponent);
    this.#escape = sign(delimiters.escape);
  }

  /** The repetitions of each field, the field's number the index; undefined where a field is empty. */
  fields(text: string): (readonly View[] | undefined)[] {
    const { field, repetition, component, subcomponent, escape: escaping } = this.#delimiters;
    const length = text.length;
    const fields: (readonly View[] | undefined)[] = [undefined];
    let start = text.indexOf(this.#field) + 1;
    if (start === 0) return fields;
    if (start === 4 && /^(?:MSH|FHS|BHS)/.test(text)) {
      fields.push([this.#verbatim(this.#field)]);
      let end = text.indexOf(this.#field, start);
      if (end < 0) end = length;
      fields.push([this.#verbatim(text.slice(start, end))]);
      if (end === length) return fields;
      start = end + 1;
    }
    let divided = false;
    // Escapes and control characters are rare, and looking for them once is cheaper than at each of a field's values.
    this.#plain = true;
    for (let at = start; at <= length; at++) {
      const code = at === length ? field : text.charCodeAt(at);
      if (code === field) {
        fields.push(at === start ? undefined : this.#field_(text.slice(start, at), divided));
        start = at + 1;
        divided = false;
        this.#plain = true;
      } else if (code === component || code === repetition || code === subcomponent) divided = true;
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

  #verbatim(raw: string): View {
    return new View(raw, [[new Leaf(raw)]], this);
  }

  #field_(raw: string, divided: boolean): readonly View[] | undefined {
    if (!divided) {
      const leaf = this.#made(raw);
      return leaf && [new View(raw, [[leaf]], this)];
    }
    if (this.#repetition === '' || !raw.includes(this.#repetition)) {
      const view = new View(raw, this.#components(raw), this);
      return holds(view) ? [view] : undefined;
    }
    const views: View[] = [];
    let held = false;
    for (const part of raw.split(this.#repetition)) {
      const view = new View(part, this.#components(part), this);
      views.push(view);
      if (holds(view)) held = true;
    }
    return held ? views : undefined;
  }

  #components(raw: string): View['parts'] {
    const sign = this.#component;
    const parts: (Leaves | undefined)[] = [];
    let start = 0;
    for (let end = sign === '' ? -1 : raw.indexOf(sign); end >= 0; end = raw.indexOf(sign, start)) {
      parts.push(end === start ? undefined : this.#subcomponents(raw.slice(start, end)));
      start = end + 1;
    }
    parts.push(this.#subcomponents(start === 0 ? raw : raw.slice(start)));
    return parts;
  }

  #subcomponents(raw: string): Leaves | undefined {
    if (raw === '') return undefined;
    if (this.#subcomponent === '' || !raw.includes(this.#subcomponent)) {
      const leaf = this.#made(raw);
      return leaf && [leaf];
    }
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

function holds({ parts }: View): boolean {
  for (const leaves of parts) if (leaves) return true;
  return false;
}

function sign(code: number): string {
  return code < 0 ? '' : String.fromCharCode(code);
}
