/** Tried in this order where an expression leaves open which character it is. */
const CHARACTERS =
  '0123456789aAbcdefghijklmnopqrstuvwxyzBCDEFGHIJKLMNOPQRSTUVWXYZ -_.:;,=+*/#%&$!?@()<>[]{}|~^"\'\\`\t';
const CLASS = /\[\^?\]?(?:\\.|[^\]\\])*\]/y;
const ESCAPE = /\\(?:x[0-9a-f]{2}|u[0-9a-f]{4}|c[A-Z]|[^1-9kpP])/iy;
const QUANTIFIER = /(?:[*?]|\+|\{(\d+)(?:,\d*)?\})\??/y;
const OPENING = /\((?:\?(?::|<(?![=!])[^>]*>))?/y;

/**
 * A text that a regular expression matches, with a text of its own in place of one of its groups; undefined where the expression says
 * what is not made up: a look around, a reference back.
 * @param group by the number of its opening parenthesis from 0, whether it captures or not
 */
export function textFor(expression: string, group: number, inPlace: string): string | undefined {
  try {
    const reading = new Reading(expression, group, inPlace);
    const text = reading.alternatives();
    return reading.isOver ? text : undefined;
  } catch (thrown) {
    if (thrown instanceof Unknown) return undefined;
    throw thrown;
  }
}

/** The number of the first group that captures, as `textFor` counts them; undefined where none does. */
export function firstCapture(expression: string): number | undefined {
  const reading = new Reading(expression, -1, '');
  try {
    reading.alternatives();
  } catch (thrown) {
    if (!(thrown instanceof Unknown)) throw thrown;
  }
  return reading.firstCapture;
}

class Unknown extends Error {}

/** Reads an expression from left to right, and writes what it matches meanwhile. */
class Reading {
  readonly #expression: string;
  readonly #group: number;
  readonly #inPlace: string;
  #at = 0;
  #opened = 0;
  firstCapture: number | undefined;

  constructor(expression: string, group: number, inPlace: string) {
    this.#expression = expression;
    this.#group = group;
    this.#inPlace = inPlace;
  }

  get isOver(): boolean {
    return this.#at === this.#expression.length;
  }

  /** The first of them is written; the others are read for their groups. */
  alternatives(): string {
    const first = this.#sequence();
    while (this.#take('|')) this.#sequence();
    return first;
  }

  #sequence(): string {
    let text = '';
    while (!this.isOver && !'|)'.includes(this.#expression[this.#at]!)) {
      const { piece, holds } = this.#atom();
      text += piece.repeat(this.#times(holds));
    }
    return text;
  }

  #atom(): { readonly piece: string; readonly holds: boolean } {
    if (this.#take('^') || this.#take('$') || this.#take('\\b')) return { piece: '', holds: false };
    const opening = this.#match(OPENING);
    if (opening !== undefined) return this.#parenthesis(opening);
    const source = this.#match(CLASS) ?? this.#match(ESCAPE) ?? this.#expression[this.#at++]!;
    if (source === '\\') throw new Unknown();
    // A literal character is its own text, whatever the list has.
    if (source.length === 1 && source !== '.') return { piece: source, holds: false };
    const matches = new RegExp(`^${source}$`);
    for (const character of CHARACTERS) if (matches.test(character)) return { piece: character, holds: false };
    // Such as \r, \x02: characters that nobody prints.
    for (let code = 0; code < 256; code++)
      if (matches.test(String.fromCharCode(code))) return { piece: String.fromCharCode(code), holds: false };
    throw new Unknown();
  }

  #parenthesis(opening: string): { readonly piece: string; readonly holds: boolean } {
    const number = this.#opened++;
    if (opening !== '(?:') this.firstCapture ??= number;
    const written = this.alternatives();
    if (!this.#take(')')) throw new Unknown();
    if (number === this.#group) return { piece: this.#inPlace, holds: true };
    return { piece: written, holds: number < this.#group && this.#group < this.#opened };
  }

  /** As seldom as may be; once at least where it holds what is to be said. */
  #times(holds: boolean): number {
    const quantifier = this.#match(QUANTIFIER);
    if (quantifier === undefined) return 1;
    const least = quantifier.startsWith('{') ? Number(/\d+/.exec(quantifier)![0]) : quantifier.startsWith('+') ? 1 : 0;
    return holds ? Math.max(1, least) : least;
  }

  #take(text: string): boolean {
    if (!this.#expression.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const [found] = pattern.exec(this.#expression) ?? [];
    // `(?=` and its like are no groups.
    if (found === undefined || (found === '(' && this.#expression[this.#at + 1] === '?')) return undefined;
    this.#at += found.length;
    return found;
  }
}
