import { DEFAULT_DELIMITERS, type Delimiters } from '../../protocols/hl7v2/delimiters.ts';
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

export type Leaves = readonly (Leaf | undefined)[];

/** One repetition of a field, or a component seen as one: what converters read, and mark as they do. */
export class View {
  /** By component from 0 its first subcomponent; undefined where nothing is. */
  readonly parts: Leaves;
  /** Whether anything but `""` is in it. */
  readonly valued: boolean;
  /** The first element that was made of it, for what it does not hold. */
  element: object | undefined = undefined;
  /** By component from 0 all of its subcomponents, where it is divided: most have none that is. */
  readonly #divided: readonly (Leaves | undefined)[] | undefined;
  /** Its segment, and where it stands in it. */
  readonly #text: string;
  readonly #start: number;
  readonly #end: number;
  readonly #reader: TextReader;

  constructor(
    text: string,
    start: number,
    end: number,
    parts: Leaves,
    divided: readonly (Leaves | undefined)[] | undefined,
    reader: TextReader,
  ) {
    this.parts = parts;
    this.valued = areValued(parts) || divided?.some((leaves) => leaves && areValued(leaves)) === true;
    this.#divided = divided;
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
    const leaf = this.parts[n - 1];
    if (leaf === undefined || leaf.deletes) return undefined;
    leaf.mark = row;
    return leaf.text;
  }

  takeSub(n: number, m: number, row: string): string | undefined {
    const leaf = this.#sub(n, m);
    if (leaf === undefined || leaf.deletes) return undefined;
    leaf.mark = row;
    return leaf.text;
  }

  /** As `take`, without marking. */
  peek(n: number): string | undefined {
    const leaf = this.parts[n - 1];
    return leaf === undefined || leaf.deletes ? undefined : leaf.text;
  }

  peekSub(n: number, m: number): string | undefined {
    const leaf = this.#sub(n, m);
    return leaf === undefined || leaf.deletes ? undefined : leaf.text;
  }

  #sub(n: number, m: number): Leaf | undefined {
    return m === 1 ? this.parts[n - 1] : this.#divided?.[n - 1]?.[m - 1];
  }

  /** The subcomponents of component `n`, where it is divided. */
  divided(n: number): Leaves | undefined {
    return this.#divided?.[n - 1];
  }

  /** Marks component `n` as taken, where its text has been read before. */
  mark(n: number, row: string): void {
    const leaves = this.#divided?.[n - 1];
    if (leaves) {
      for (const leaf of leaves) if (leaf && !leaf.deletes) leaf.mark = row;
      return;
    }
    const leaf = this.parts[n - 1];
    if (leaf && !leaf.deletes) leaf.mark = row;
  }

  /** Marks what has been taken as taken by `row`. */
  markTaken(row: string): void {
    for (const leaf of this.parts) if (leaf?.mark !== undefined) leaf.mark = row;
    if (this.#divided)
      for (const leaves of this.#divided)
        if (leaves) for (const leaf of leaves) if (leaf?.mark !== undefined) leaf.mark = row;
  }

  /** Component `n`, its subcomponents as components; undefined where it is empty. */
  sub(n: number): View | undefined {
    const leaves = this.#divided?.[n - 1];
    if (leaves) return areValued(leaves) ? this.authority(leaves) : undefined;
    const leaf = this.parts[n - 1];
    return leaf === undefined || leaf.deletes ? undefined : this.authority([leaf]);
  }

  /** Some of its leaves seen as the components of a value. */
  authority(leaves: Leaves): View {
    return new View('', 0, 0, leaves, undefined, this.#reader);
  }

  /** Whether anything of it has been taken. */
  isBegun(): boolean {
    for (const leaf of this.parts) if (leaf?.mark !== undefined) return true;
    return this.#divided?.some((leaves) => leaves?.some((leaf) => leaf?.mark !== undefined)) === true;
  }

  /** Whether something has become of all of it. */
  isTaken(): boolean {
    for (const leaf of this.parts) if (leaf !== undefined && leaf.mark === undefined) return false;
    return this.#divided === undefined || !this.#divided.some((leaves) => leaves?.some(isOpen));
  }

  /** What has been taken of it, leaf by leaf, for a value that is the same to the letter. */
  marks(): readonly (string | undefined)[] {
    if (this.#divided) return this.leaves().map(([, , leaf]) => leaf.mark);
    const { parts } = this;
    const marks = new Array<string | undefined>(parts.length);
    for (let n = 0; n < parts.length; n++) marks[n] = parts[n]?.mark;
    return marks;
  }

  markAs(marks: readonly (string | undefined)[]): void {
    if (this.#divided) {
      let at = 0;
      for (const [, , leaf] of this.leaves()) leaf.mark = marks[at++] ?? leaf.mark;
      return;
    }
    const { parts } = this;
    for (let n = 0; n < parts.length; n++) {
      const leaf = parts[n];
      if (leaf && marks[n] !== undefined) leaf.mark = marks[n];
    }
  }

  /** Whether component `n` holds anything but `""`. */
  has(n: number): boolean {
    const leaves = this.#divided?.[n - 1];
    if (leaves) return areValued(leaves);
    const leaf = this.parts[n - 1];
    return leaf !== undefined && !leaf.deletes;
  }

  /** All of it as one text, for values that are not divided: what looks like delimiters in a text was meant to be read. */
  whole(row: string): string {
    for (const leaf of this.parts) if (leaf) leaf.mark = row;
    if (this.#divided)
      for (const leaves of this.#divided) if (leaves) for (const leaf of leaves) if (leaf) leaf.mark = row;
    return this.#reader.text(this.raw);
  }

  /** What is populated of it. */
  leaves(): readonly (readonly [component: number, subcomponent: number, leaf: Leaf])[] {
    const found: (readonly [number, number, Leaf])[] = [];
    for (let n = 0; n < this.parts.length; n++) {
      const leaves = this.#divided?.[n];
      if (leaves) {
        for (let m = 0; m < leaves.length; m++) {
          const leaf = leaves[m];
          if (leaf) found.push([n + 1, m + 1, leaf]);
        }
      } else {
        const leaf = this.parts[n];
        if (leaf) found.push([n + 1, 1, leaf]);
      }
    }
    return found;
  }
}

const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;
const CONTROLS = new RegExp(CONTROL, 'g');

/** What a character is to the reader, in the low bits of a place where one stands. */
const FIELD = 1;
const REPETITION = 2;
const COMPONENT = 3;
const SUBCOMPONENT = 4;
/** An escape, or a control character. */
const ODD = 5;
const KIND = 7;

/** Where the delimiters of the segment at hand stand: places alone, used again for each. Longer segments get one of their own. */
const places = new Int32Array(4096);

/** Divides the text of one message's segments. */
export class TextReader {
  readonly #delimiters: Delimiters;
  readonly #kinds: Uint8Array;
  readonly #hex: HexDecoder;
  readonly #field: string;
  readonly #subcomponent: string;
  readonly #escape: string;
  #places = places;
  /** Whether the field at hand has neither escapes nor control characters. */
  #plain = false;

  constructor(delimiters: Delimiters, hex: HexDecoder) {
    this.#delimiters = delimiters;
    this.#kinds = delimiters === DEFAULT_DELIMITERS ? usualKinds : kindsOf(delimiters);
    this.#hex = hex;
    this.#field = sign(delimiters.field);
    this.#subcomponent = sign(delimiters.subcomponent);
    this.#escape = sign(delimiters.escape);
  }

  /** The repetitions of each field, the field's number the index; undefined where a field is empty. */
  fields(text: string): (readonly View[] | undefined)[] {
    let start = text.indexOf(this.#field) + 1;
    if (start === 0) return [undefined];
    const head: (readonly View[] | undefined)[] = [undefined];
    if (start === 4 && declaresDelimiters(text)) {
      let end = text.indexOf(this.#field, start);
      if (end < 0) end = text.length;
      head.push([this.#verbatim(text, 3, 4)], [this.#verbatim(text, start, end)]);
      if (end === text.length) return head;
      start = end + 1;
    }
    this.#places = text.length < places.length ? places : new Int32Array(text.length + 1);
    const count = this.#mark(text, start);
    let total = head.length;
    for (let at = 0; at < count; at++) if ((this.#places[at]! & KIND) === FIELD) total++;
    // Of the size that it has: what grows costs several times that.
    const fields = new Array<readonly View[] | undefined>(total);
    for (let n = 0; n < head.length; n++) fields[n] = head[n];
    let first = 0;
    for (let n = head.length; n < total; n++) {
      let last = first;
      let kinds = 0;
      while ((this.#places[last]! & KIND) !== FIELD) kinds |= 1 << (this.#places[last++]! & KIND);
      const end = this.#places[last]! >>> 3;
      this.#plain = (kinds & (1 << ODD)) === 0;
      fields[n] = start === end ? undefined : this.#field_(text, start, end, first, last, kinds);
      start = end + 1;
      first = last + 1;
    }
    return fields;
  }

  /** Notes where delimiters, escapes and control characters stand, once for all levels; answers how many, the end among them. */
  #mark(text: string, start: number): number {
    const kinds = this.#kinds;
    const found = this.#places;
    const { length } = text;
    let count = 0;
    for (let at = start; at < length; at++) {
      const code = text.charCodeAt(at);
      const kind = code < 0x80 ? kinds[code]! : code < 0xfffe ? 0 : ODD;
      if (kind !== 0) found[count++] = (at << 3) | kind;
    }
    found[count++] = (length << 3) | FIELD;
    return count;
  }

  /** The text of a value that is not divided. Control characters that FHIR does not allow are left out. */
  text(raw: string): string {
    const text =
      this.#escape !== '' && raw.includes(this.#escape) ? unescapeText(raw, this.#delimiters, this.#hex) : raw;
    return CONTROL.test(text) ? text.replace(CONTROLS, '') : text;
  }

  #verbatim(text: string, start: number, end: number): View {
    return new View(text, start, end, [new Leaf(text.slice(start, end))], undefined, this);
  }

  /** The repetitions of a field, whose delimiters are those from `first` to before `last`. */
  #field_(
    text: string,
    start: number,
    end: number,
    first: number,
    last: number,
    kinds: number,
  ): readonly View[] | undefined {
    if ((kinds & DIVIDES) === 0) {
      const leaf = this.#made(text.slice(start, end));
      return leaf && [new View(text, start, end, [leaf], undefined, this)];
    }
    if ((kinds & (1 << REPETITION)) === 0) {
      const view = this.#repetition(text, start, end, first, last);
      return holds(view) ? [view] : undefined;
    }
    const views: View[] = [];
    let from = start;
    let begin = first;
    for (let each = first; each <= last; each++) {
      const place = this.#places[each]!;
      if (each < last && (place & KIND) !== REPETITION) continue;
      const at = each < last ? place >>> 3 : end;
      views.push(this.#repetition(text, from, at, begin, each));
      from = at + 1;
      begin = each + 1;
    }
    return views.some(holds) ? views : undefined;
  }

  #repetition(text: string, start: number, end: number, first: number, last: number): View {
    const found = this.#places;
    let count = 1;
    for (let each = first; each < last; each++) if ((found[each]! & KIND) === COMPONENT) count++;
    const parts = new Array<Leaf | undefined>(count);
    let divided: (Leaves | undefined)[] | undefined;
    let from = start;
    let isDivided = false;
    for (let n = 0, each = first; n < count; each++) {
      const kind = each < last ? found[each]! & KIND : COMPONENT;
      if (kind === SUBCOMPONENT) isDivided = true;
      if (kind !== COMPONENT) continue;
      const at = each < last ? found[each]! >>> 3 : end;
      if (isDivided) {
        const leaves = this.#subcomponents(text.slice(from, at));
        parts[n] = leaves?.[0];
        if (leaves) (divided ??= new Array<Leaves | undefined>(count))[n] = leaves;
      } else parts[n] = at === from ? undefined : this.#made(text.slice(from, at));
      n++;
      from = at + 1;
      isDivided = false;
    }
    return new View(text, start, end, parts, divided, this);
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

function isOpen(leaf: Leaf | undefined): boolean {
  return leaf !== undefined && leaf.mark === undefined;
}

function holds(view: View): boolean {
  for (const leaf of view.parts) if (leaf) return true;
  return view.leaves().length > 0;
}

function declaresDelimiters(text: string): boolean {
  return text.startsWith('MSH') || text.startsWith('FHS') || text.startsWith('BHS');
}

const DIVIDES = (1 << REPETITION) | (1 << COMPONENT) | (1 << SUBCOMPONENT);

function kindsOf(delimiters: Delimiters): Uint8Array {
  const kinds = new Uint8Array(0x80).fill(ODD, 0, 0x20);
  if (delimiters.escape >= 0) kinds[delimiters.escape] = ODD;
  if (delimiters.subcomponent >= 0) kinds[delimiters.subcomponent] = SUBCOMPONENT;
  if (delimiters.repetition >= 0) kinds[delimiters.repetition] = REPETITION;
  if (delimiters.component >= 0) kinds[delimiters.component] = COMPONENT;
  kinds[delimiters.field] = FIELD;
  return kinds;
}

const usualKinds = kindsOf(DEFAULT_DELIMITERS);

function sign(code: number): string {
  return code < 0 ? '' : String.fromCharCode(code);
}
