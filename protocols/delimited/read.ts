import type { DelimitedFault, DelimitedRecord, Dialect } from './dialect.ts';

const CR = 0x0d;
const LF = 0x0a;

/** The records before the first fault, and the fault if there is one. */
export interface DelimitedText {
  readonly records: readonly DelimitedRecord[];
  readonly fault?: DelimitedFault;
}

/**
 * Reads delimited text (RFC 4180 §2, with any delimiter). A byte order mark and empty lines are passed over; a quote inside of
 * a cell that does not begin with one is a character like others. Never throws.
 */
export function readDelimited(text: string, dialect: Dialect): DelimitedText {
  const reader = new Reader(text, dialect);
  const records: DelimitedRecord[] = [];
  for (let record = reader.next(); record; record = reader.next()) records.push(record);
  return reader.fault ? { records, fault: reader.fault } : { records };
}

class Reader {
  fault: DelimitedFault | undefined;
  readonly #text: string;
  readonly #delimiter: number;
  readonly #quote: number;
  #at: number;
  #line = 1;
  #lineStart: number;

  constructor(text: string, { delimiter, quote }: Dialect) {
    this.#text = text;
    this.#delimiter = delimiter.charCodeAt(0);
    this.#quote = quote === undefined ? -1 : quote.charCodeAt(0);
    this.#at = text.charCodeAt(0) === 0xfeff ? 1 : 0;
    this.#lineStart = this.#at;
  }

  next(): DelimitedRecord | undefined {
    while (this.#atLineEnd()) this.#passLineEnd();
    if (this.#at >= this.#text.length) return undefined;
    const { line, cells, columns } = { line: this.#line, cells: [] as string[], columns: [] as number[] };
    while (true) {
      columns.push(this.#at - this.#lineStart + 1);
      const cell = this.#text.charCodeAt(this.#at) === this.#quote ? this.#quoted() : this.#plain();
      if (cell === undefined) return undefined;
      cells.push(cell);
      if (this.#text.charCodeAt(this.#at) !== this.#delimiter) break;
      this.#at++;
    }
    if (this.#at < this.#text.length) this.#passLineEnd();
    return { line, cells, columns };
  }

  #plain(): string {
    const start = this.#at;
    while (this.#at < this.#text.length && !this.#atLineEnd()) {
      if (this.#text.charCodeAt(this.#at) === this.#delimiter) break;
      this.#at++;
    }
    return this.#text.slice(start, this.#at);
  }

  #quoted(): string | undefined {
    const { line, column } = { line: this.#line, column: this.#at - this.#lineStart + 1 };
    const text = this.#text;
    let result = '';
    let from = ++this.#at;
    while (true) {
      if (this.#at >= text.length) {
        this.fault = { code: 'delimited.unclosed-quote', reason: 'a quote is not closed', line, column };
        return undefined;
      }
      if (text.charCodeAt(this.#at) !== this.#quote) {
        if (this.#atLineEnd()) this.#passLineEnd();
        else this.#at++;
        continue;
      }
      result += text.slice(from, this.#at);
      this.#at++;
      if (text.charCodeAt(this.#at) !== this.#quote) break;
      from = this.#at++;
    }
    if (this.#at === text.length || this.#atLineEnd() || text.charCodeAt(this.#at) === this.#delimiter) return result;
    const reason = 'text stands after a closing quote';
    this.fault = {
      code: 'delimited.text-after-quote',
      reason,
      line: this.#line,
      column: this.#at - this.#lineStart + 1,
    };
    return undefined;
  }

  #atLineEnd(): boolean {
    const code = this.#text.charCodeAt(this.#at);
    return code === CR || code === LF;
  }

  #passLineEnd(): void {
    const text = this.#text;
    this.#at += text.charCodeAt(this.#at) === CR && text.charCodeAt(this.#at + 1) === LF ? 2 : 1;
    this.#line++;
    this.#lineStart = this.#at;
  }
}
