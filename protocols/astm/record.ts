import type { Charset } from '../hl7v2/charset.ts';
import type { Delimiters } from './delimiters.ts';
import { unescapeText } from './escape.ts';
import { type FieldName, fieldNumber, type RecordType } from './fields.ts';
import { readPlace } from './path.ts';

/** One record of a message, read when it is asked. Values are unescaped; what is absent or empty is undefined. */
export class AstmRecord<T extends string = string> {
  /** H, P, O, R, C, Q, L, M, S, or whatever letter the record begins with. */
  readonly type: T;
  /** The record's characters as they stand, without its CR. */
  readonly text: string;
  readonly #delimiters: Delimiters;
  readonly #charset: Charset;
  #fields: readonly string[] | undefined;

  constructor(text: string, delimiters: Delimiters, charset: Charset) {
    this.type = text.slice(0, 1) as T;
    this.text = text;
    this.#delimiters = delimiters;
    this.#charset = charset;
  }

  /** Field 2 as a number; undefined where it is none, and in H. */
  get sequence(): number | undefined {
    const text = this.type === 'H' ? undefined : this.get('2');
    return text !== undefined && /^\s*\d{1,9}\s*$/.test(text) ? Number(text) : undefined;
  }

  /** How many fields there are, the record type counted. */
  get length(): number {
    return this.#split.length;
  }

  /**
   * The value at a place: `4`, `3.4`, `5[2].4`. A field of several components is given as its first one, unless a component
   * is named.
   * @throws ProtocolFault astm.bad-path
   */
  get(place: string): string | undefined {
    const { field, repeat, component } = readPlace(place);
    if (this.type === 'H' && field === 2) return this.#split[1];
    const text = this.repeats(field)[Math.max(0, repeat - 1)];
    return text?.[Math.max(0, component - 1)] || undefined;
  }

  /** The first of the places that has a value, blanks around it taken away: senders pad. */
  first(places: readonly string[]): string | undefined {
    for (const place of places) {
      const value = this.get(place)?.trim();
      if (value) return value;
    }
    return undefined;
  }

  /** A field's repetitions, each as its components; empty ones are empty texts. None for an empty field. */
  repeats(field: number): readonly (readonly string[])[] {
    const text = this.#split[field - 1];
    if (!text) return [];
    const { repeat, component } = this.#delimiters;
    return text.split(repeat).map((one) => one.split(component).map((value) => this.#unescape(value)));
  }

  /** A field by its name: its first component. */
  named<N extends FieldName<T & RecordType>>(name: N): string | undefined {
    return this.repeats(fieldNumber(this.type as T & RecordType, name))[0]?.[0] || undefined;
  }

  get #split(): readonly string[] {
    this.#fields ??= this.text.split(this.#delimiters.field);
    return this.#fields;
  }

  #unescape(value: string): string {
    return unescapeText(value, this.#delimiters, (bytes) => this.#charset.decodeValid(bytes));
  }
}
