import type { Delimiters } from '../../protocols/hl7v2/delimiters.ts';
import { type HexDecoder, unescapeText } from '../../protocols/hl7v2/escape.ts';

/** A populated subcomponent: the least that can be lost. */
export class Leaf {
  /** Decoded; `""` as it stands. */
  readonly text: string;
  /** What became of it: the row that took it, or `keep` or `ignore`; undefined while nothing has. */
  mark: string | undefined = undefined;

  constructor(text: string) {
    this.text = text;
  }

  /** `""`: the sender asks to delete what is there (HL7 2.5.1 §2.5.3). */
  get deletes(): boolean {
    return this.text === '""';
  }
}

/** One repetition of a field, or a component seen as one: what converters read, and mark as they do. */
export class View {
  /** As it stands, escapes included. */
  readonly raw: string;
  /** By component from 0, by subcomponent from 0; holes where nothing is. */
  readonly parts: readonly (readonly (Leaf | undefined)[] | undefined)[];
  /** The first element that was made of it, for what it does not hold. */
  element: object | undefined = undefined;
  readonly #reader: TextReader;

  constructor(raw: string, parts: View['parts'], reader: TextReader) {
    this.raw = raw;
    this.parts = parts;
    this.#reader = reader;
  }

  /** Component `n` from 1, its first subcomponent, marked as taken by `row`; undefined where it is empty or `""`. */
  take(n: number, row: string): string | undefined {
    return this.takeSub(n, 1, row);
  }

  takeSub(n: number, m: number, row: string): string | undefined {
    const leaf = this.parts[n - 1]?.[m - 1];
    if (leaf === undefined || leaf.deletes) return undefined;
    leaf.mark = row;
    return leaf.text;
  }

  /** As `take`, without marking. */
  peek(n: number): string | undefined {
    return this.peekSub(n, 1);
  }

  peekSub(n: number, m: number): string | undefined {
    const leaf = this.parts[n - 1]?.[m - 1];
    return leaf === undefined || leaf.deletes ? undefined : leaf.text;
  }

  /** Marks component `n` as taken, where its text has been read before. */
  mark(n: number, row: string): void {
    for (const leaf of this.parts[n - 1] ?? []) if (leaf && !leaf.deletes) leaf.mark = row;
  }

  /** Component `n`, its subcomponents as components; undefined where it is empty. */
  sub(n: number): View | undefined {
    const leaves = this.parts[n - 1];
    if (!leaves?.some((leaf) => leaf && !leaf.deletes)) return undefined;
    return new View(
      '',
      leaves.map((leaf) => leaf && [leaf]),
      this.#reader,
    );
  }

  /** Some of its leaves seen as the components of a value. */
  authority(leaves: readonly (Leaf | undefined)[]): View {
    return new View(
      '',
      leaves.map((leaf) => leaf && [leaf]),
      this.#reader,
    );
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
    return this.parts[n - 1]?.some((leaf) => leaf && !leaf.deletes) ?? false;
  }

  /** Whether anything but `""` is in it. */
  get valued(): boolean {
    return this.parts.some((leaves) => leaves?.some((leaf) => leaf && !leaf.deletes));
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
  /** The segment at hand has neither escapes nor control characters: looking once is cheaper than at each of its values. */
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
    this.#plain = !((this.#escape !== '' && text.includes(this.#escape)) || CONTROL.test(text));
    const raw = text.split(this.#field);
    const declares = /^(MSH|FHS|BHS)$/.test(raw[0] ?? '');
    const fields: (readonly View[] | undefined)[] = [undefined];
    if (declares) fields.push([this.#verbatim(this.#field)]);
    for (let at = 1; at < raw.length; at++) {
      if (declares && at === 1) fields.push([this.#verbatim(raw[1]!)]);
      else fields.push(raw[at] === '' ? undefined : this.#field_(raw[at]!));
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

  #field_(raw: string): readonly View[] | undefined {
    const parts = this.#repetition !== '' && raw.includes(this.#repetition) ? raw.split(this.#repetition) : [raw];
    const views = parts.map((part) => new View(part, this.#components(part), this));
    return views.some(({ parts }) => parts.some((leaves) => leaves !== undefined)) ? views : undefined;
  }

  #components(raw: string): View['parts'] {
    if (!this.#component || !raw.includes(this.#component)) return [this.#subcomponents(raw)];
    return raw.split(this.#component).map((part) => this.#subcomponents(part));
  }

  #subcomponents(raw: string): readonly (Leaf | undefined)[] | undefined {
    if (raw === '') return undefined;
    if (!this.#subcomponent || !raw.includes(this.#subcomponent)) {
      const leaf = this.#made(raw);
      return leaf && [leaf];
    }
    const leaves = raw.split(this.#subcomponent).map((part) => this.#made(part));
    return leaves.some((leaf) => leaf !== undefined) ? leaves : undefined;
  }

  /** Blanks alone are nothing: FHIR has no such text. */
  #made(raw: string): Leaf | undefined {
    if (raw === '') return undefined;
    const text = (this.#plain ? raw : this.text(raw)).trim();
    return text === '' ? undefined : new Leaf(text);
  }
}

function sign(code: number): string {
  return code < 0 ? '' : String.fromCharCode(code);
}
