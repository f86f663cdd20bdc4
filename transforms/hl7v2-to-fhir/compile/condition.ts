import type { Comparison, Condition } from '../condition.ts';

/** What a condition departs in from the plain grammar of the maps; all are understood. */
export type Dialect =
  | 'IS'
  | '='
  | 'VALUE'
  | 'letter case'
  | 'inner IF'
  | 'repetitions'
  | 'length'
  | 'several fields'
  | 'subject left out'
  | 'NOT value'
  | 'EQUAL TO'
  | 'HD-3'
  | 'quotes'
  | '(none)';

export interface ReadCondition {
  readonly condition: Condition;
  readonly dialects: readonly Dialect[];
}

/**
 * Reads a condition of the maps: `IF PID-13.2 NOT VALUED AND (PID-3 EQUALS "x" OR …)`, and what other rows write for that.
 * @param subject what is meant where the condition names nothing: the row's own identifier
 * @throws Error that says where it is no condition
 */
export function readCondition(text: string, subject: string): ReadCondition {
  const reader = new Reader(text, subject);
  return { condition: reader.all(), dialects: [...reader.dialects] };
}

const TOKEN =
  /\s*(?:((?!LST\b)[A-Z][A-Z0-9]{1,2}(?:[-.]\d+(?:\.\d+)?)?(?![A-Za-z0-9]))|"([^"]*)"|'([^']*)'|(\d+)|(<=|>=|[()=<>,])|([A-Za-z.]+))/y;

interface Token {
  readonly kind: 'place' | 'text' | 'number' | 'sign' | 'word' | 'end';
  readonly text: string;
}

const WORDS = new Set(
  'IF AND OR NOT IS IN VALUED VALUE EQUALS EQUAL TO GREATER LESS THAN LENGTH COUNT LST.COUNT LST'.split(' '),
);

class Reader {
  readonly dialects = new Set<Dialect>();
  readonly #tokens: Token[] = [];
  readonly #text: string;
  readonly #subject: string;
  #at = 0;

  constructor(text: string, subject: string) {
    this.#text = text;
    this.#subject = subject;
    TOKEN.lastIndex = 0;
    while (TOKEN.lastIndex < text.trimEnd().length) {
      const found = TOKEN.exec(text);
      if (!found) throw new Error(`nothing that can be read at the end of "${text}"`);
      const [, place, double, single, number, sign, word] = found;
      const upper = (place ?? word ?? '').toUpperCase();
      if (double !== undefined) this.#tokens.push({ kind: 'text', text: double });
      else if (single !== undefined) {
        this.dialects.add('quotes');
        this.#tokens.push({ kind: 'text', text: single });
      } else if (number !== undefined) this.#tokens.push({ kind: 'number', text: number });
      else if (sign !== undefined) this.#tokens.push({ kind: 'sign', text: sign });
      else if (WORDS.has(upper)) {
        if ((word ?? place) !== upper && upper !== 'LST.COUNT') this.dialects.add('letter case');
        this.#tokens.push({ kind: 'word', text: upper });
      } else if (place !== undefined) this.#tokens.push({ kind: 'place', text: this.#placed(place) });
      else throw new Error(`"${word}" in "${text}"`);
    }
  }

  all(): Condition {
    const condition = this.#either();
    if (this.#peek().kind !== 'end') throw new Error(`"${this.#peek().text}" is too much in "${this.#text}"`);
    return condition;
  }

  /** `HD-3` in a map of a data type is its component, and `ORC.1` in one of a segment its field. */
  #placed(place: string): string {
    const [, name = '', sign, rest = ''] = /^(\w+?)(?:([-.])(.+))?$/.exec(place) ?? [];
    if (sign === undefined) return place;
    const own = /^(\w+)([-.])/.exec(this.#subject);
    const right = own && own[1] === name ? own[2]! : sign;
    if (right !== sign || (sign === '.' && name === 'ORC')) {
      this.dialects.add('HD-3');
      return `${name}${name === 'ORC' ? '-' : right}${rest}`;
    }
    return place;
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? { kind: 'end', text: '' };
  }

  #takes(...words: string[]): boolean {
    for (let ahead = 0; ahead < words.length; ahead++) {
      const token = this.#tokens[this.#at + ahead];
      if (token === undefined || token.kind === 'text' || token.text !== words[ahead]) return false;
    }
    this.#at += words.length;
    return true;
  }

  #either(): Condition {
    const parts = [this.#both()];
    while (this.#takes('OR')) parts.push(this.#both());
    return parts.length === 1 ? parts[0]! : ['or', parts];
  }

  #both(): Condition {
    const parts = [this.#one()];
    while (this.#takes('AND')) parts.push(this.#one());
    return parts.length === 1 ? parts[0]! : ['and', parts];
  }

  #one(): Condition {
    if (this.#takes('IF') && this.#at > 1) this.dialects.add('inner IF');
    if (this.#takes('(')) {
      const inner = this.#either();
      if (!this.#takes(')')) throw new Error(`a bracket is not closed in "${this.#text}"`);
      return inner;
    }
    let place = this.#subject;
    if (this.#peek().kind === 'place') {
      place = this.#peek().text;
      this.#at++;
    } else this.dialects.add('subject left out');
    const several = this.#several(place);
    return several ?? this.#test(place);
  }

  /** `A AND B VALUED`: what is said of the last holds for each. */
  #several(place: string): Condition | undefined {
    const start = this.#at;
    for (const word of ['AND', 'OR'] as const) {
      if (!this.#takes(word)) continue;
      if (this.#peek().kind !== 'place') {
        this.#at = start;
        continue;
      }
      this.dialects.add('several fields');
      const rest = this.#one();
      const test = testOf(rest);
      return [word === 'AND' ? 'and' : 'or', [test(place), rest]];
    }
    return undefined;
  }

  #test(place: string): Condition {
    const is = this.#takes('IS');
    if (is) this.dialects.add('IS');
    const isNot = this.#takes('NOT');
    const told = (condition: Condition): Condition => (isNot ? ['not', condition] : condition);
    if (this.#takes('VALUED')) return told(['valued', place]);
    if (this.#takes('VALUE')) {
      this.dialects.add('VALUE');
      return told(['valued', place]);
    }
    if (this.#takes('EQUAL', 'TO')) {
      this.dialects.add('EQUAL TO');
      return told(this.#equal(place));
    }
    if (this.#takes('=')) {
      this.dialects.add('=');
      return told(this.#equal(place));
    }
    if (this.#takes('EQUALS')) return told(this.#equal(place));
    if (this.#takes('IN')) return told(['in', place, this.#list()]);
    if (this.#takes('LENGTH')) {
      this.dialects.add('length');
      return told(['length', place, this.#comparison(), this.#number()]);
    }
    if (this.#takes('LST.COUNT') || this.#takes('COUNT')) {
      this.dialects.add('repetitions');
      return told(['count', place, this.#comparison(), this.#number()]);
    }
    if (this.#peek().kind === 'text') {
      if (isNot) this.dialects.add('NOT value');
      return told(this.#equal(place));
    }
    throw new Error(`nothing is said of ${place} in "${this.#text}"`);
  }

  #equal(place: string): Condition {
    const token = this.#peek();
    this.#at++;
    if (token.kind === 'place') return ['same', place, token.text];
    if (token.kind === 'text' || token.kind === 'number') return ['in', place, [token.text]];
    throw new Error(`a value is missing in "${this.#text}"`);
  }

  #list(): string[] {
    const values: string[] = [];
    if (!this.#takes('(')) throw new Error(`a list is missing in "${this.#text}"`);
    do {
      const token = this.#peek();
      if (token.kind !== 'text') throw new Error(`"${token.text}" is no value of a list in "${this.#text}"`);
      values.push(token.text);
      this.#at++;
    } while (this.#takes(','));
    if (!this.#takes(')')) throw new Error(`a list is not closed in "${this.#text}"`);
    return values;
  }

  #comparison(): Comparison {
    if (this.#takes('GREATER', 'THAN') || this.#takes('>')) return '>';
    if (this.#takes('LESS', 'THAN', 'OR', 'EQUALS') || this.#takes('<=')) return '<=';
    if (this.#takes('LESS', 'THAN') || this.#takes('<')) return '<';
    if (this.#takes('EQUALS') || this.#takes('=')) return '=';
    throw new Error(`no comparison in "${this.#text}"`);
  }

  #number(): number {
    const token = this.#peek();
    this.#at++;
    if (token.kind !== 'number') throw new Error(`no number in "${this.#text}"`);
    return Number(token.text);
  }
}

/** What a condition says of its first place, to be said of another. */
function testOf(condition: Condition): (place: string) => Condition {
  const [kind, first] = condition;
  switch (kind) {
    case 'not':
      return (place) => ['not', testOf(first)(place)];
    case 'and':
    case 'or':
      return testOf(first[0]!);
    case 'valued':
      return (place) => ['valued', place];
    case 'in':
      return (place) => ['in', place, condition[2]];
    case 'count':
    case 'length':
      return (place) => [kind, place, condition[2], condition[3]];
    case 'same':
      return (place) => ['same', place, condition[2]];
    default:
      return kind satisfies never;
  }
}
