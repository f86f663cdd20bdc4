/** Where a text stops being JSON. */
export interface JsonFault {
  /** From 0, in characters. */
  readonly offset: number;
  /** From 1. */
  readonly line: number;
  /** From 1, in characters. */
  readonly column: number;
  /** What would have to stand there; never what does. */
  readonly expected: string;
}

const literals = ['true', 'false', 'null'];
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const plain = /[^"\\\u0000-\u001f]*/y;
const escaped = /\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4})/y;
const blank = /[ \t\n\r]*/y;

/**
 * The first place at which a text is not JSON (RFC 8259); undefined where it is. The engine's own parser says it with a piece of
 * the text, which may be about a patient, and so only whether there is one is asked of it.
 */
export function jsonFault(text: string): JsonFault | undefined {
  const found = new Scanner(text).fault();
  if (!found) return undefined;
  const { offset, expected } = found;
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  return { offset, line, column: offset - (before.lastIndexOf('\n') + 1) + 1, expected };
}

type Fault = Pick<JsonFault, 'offset' | 'expected'>;

/** Without recursion: a text of nothing but brackets is deep, too. */
class Scanner {
  readonly #text: string;
  /** What closes each of the open brackets. */
  readonly #open: ('}' | ']')[] = [];
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  fault(): Fault | undefined {
    for (;;) {
      const before = this.#value();
      if (before) return before;
      const after = this.#afterValue();
      if (after !== 'value') return after;
    }
  }

  /** Reads up to the end of a scalar or of an empty list or object, opening whatever is around it. */
  #value(): Fault | undefined {
    for (;;) {
      this.#skip(blank);
      const character = this.#text[this.#at];
      if (character === '[') {
        this.#at++;
        this.#open.push(']');
        this.#skip(blank);
        if (this.#text[this.#at] === ']') return undefined;
      } else if (character === '{') {
        this.#at++;
        this.#open.push('}');
        this.#skip(blank);
        if (this.#text[this.#at] === '}') return undefined;
        const fault = this.#name();
        if (fault) return fault;
      } else return this.#scalar(character);
    }
  }

  #scalar(character: string | undefined): Fault | undefined {
    if (character === '"') return this.#string();
    const literal = literals.find((each) => this.#text.startsWith(each, this.#at));
    if (literal) this.#at += literal.length;
    else if (!this.#skip(number)) return this.#expected('a value');
    return undefined;
  }

  /** Closes what ends here. `value`: another one follows. Undefined: the text is over, and whole. */
  #afterValue(): Fault | 'value' | undefined {
    for (;;) {
      this.#skip(blank);
      const closing = this.#open.at(-1);
      const character = this.#text[this.#at];
      if (closing === undefined) return character === undefined ? undefined : this.#expected('the end');
      if (character === closing) {
        this.#at++;
        this.#open.pop();
      } else if (character === ',') {
        this.#at++;
        return (closing === '}' ? this.#name() : undefined) ?? 'value';
      } else return this.#expected(`, or ${closing}`);
    }
  }

  #name(): Fault | undefined {
    this.#skip(blank);
    if (this.#text[this.#at] !== '"') return this.#expected('a name in quotation marks');
    const fault = this.#string();
    if (fault) return fault;
    this.#skip(blank);
    if (this.#text[this.#at] !== ':') return this.#expected(':');
    this.#at++;
    return undefined;
  }

  #string(): Fault | undefined {
    this.#at++;
    for (;;) {
      this.#skip(plain);
      const character = this.#text[this.#at];
      if (character === '"') {
        this.#at++;
        return undefined;
      }
      if (character === undefined) return this.#expected('a quotation mark');
      if (character !== '\\') return this.#expected('no control character');
      if (!this.#skip(escaped)) return this.#expected('an escape that JSON has');
    }
  }

  #expected(expected: string): Fault {
    return { offset: this.#at, expected };
  }

  /** False where nothing matches. */
  #skip(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    if (!pattern.test(this.#text)) return false;
    this.#at = pattern.lastIndex;
    return true;
  }
}
