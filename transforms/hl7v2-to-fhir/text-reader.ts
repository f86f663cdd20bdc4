import { DEFAULT_DELIMITERS, type Delimiters } from '../../protocols/hl7v2/delimiters.ts';
import { type HexDecoder, unescapeText } from '../../protocols/hl7v2/escape.ts';
import { Leaf, type Leaves, View } from './leaves.ts';

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

const DIVIDES = (1 << REPETITION) | (1 << COMPONENT) | (1 << SUBCOMPONENT);

/** Where the delimiters of the segment at hand stand: places alone, used again for each. A segment of more has a list of its own. */
const places = new Int32Array(1024);

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
    const { length } = text;
    let found = places;
    let count = 0;
    for (let at = start; at < length; at++) {
      const code = text.charCodeAt(at);
      const kind = code < 0x80 ? kinds[code]! : code < 0xfffe ? 0 : ODD;
      if (kind === 0) continue;
      // One is left for the end.
      if (count === found.length - 1) found = twice(found);
      found[count++] = (at << 3) | kind;
    }
    found[count++] = (length << 3) | FIELD;
    this.#places = found;
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

function holds(view: View): boolean {
  for (const leaf of view.parts) if (leaf) return true;
  return view.leaves().length > 0;
}

function twice(list: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const longer = new Int32Array(list.length * 2);
  longer.set(list);
  return longer;
}

function declaresDelimiters(text: string): boolean {
  return text.startsWith('MSH') || text.startsWith('FHS') || text.startsWith('BHS');
}

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
