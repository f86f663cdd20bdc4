import type { Leaf } from './leaves.ts';

/** Shorter ones are found in anything. */
const SHORTEST = 3;
/** Texts this long are the same whatever their line breaks. */
const LONG = 64;

/** How many of a message's values are found in what was made of it, and those that are not. */
export interface Landed {
  readonly values: number;
  readonly found: number;
  readonly lost: readonly Leaf[];
}

/**
 * Looks for every value of three characters or more – MSH-1, MSH-2 and `""` are no values – in the values of a resource: as
 * a word or words of one of its texts, upper and lower case and blanks all the same; dates and times by their digits up to
 * the precision that was sent; numbers by what they are; texts in attachments decoded. Ids, references and the names of
 * extensions are no values. Nothing that was left out on purpose is left out of the count, and nothing that stands there in
 * other words is counted: by this ruler Microsoft's expected outputs hold 77.1 % of their messages' values and those of
 * ReportStream 98.1 % (the README of the corpus, whose ruler is not published, says 77.2 % and 95.7 %).
 */
export function landed(leaves: readonly Leaf[], resource: unknown): Landed {
  const values = new Values();
  values.read(resource, '');
  const sought = leaves.filter(({ text, encoding }) => text.length >= SHORTEST && !encoding);
  const lost = sought.filter(({ text }) => !values.hold(text));
  return { values: sought.length, found: sought.length - lost.length, lost };
}

class Values {
  readonly #whole = new Set<string>();
  readonly #numbers = new Set<number>();
  readonly #times: string[] = [];
  readonly #texts: string[] = [];
  #words: string | undefined = undefined;
  #solid: string | undefined = undefined;

  read(value: unknown, name: string): void {
    if (typeof value === 'number') this.#numbers.add(value);
    if (typeof value === 'string') this.#text(value, name);
    if (typeof value === 'number' || typeof value === 'boolean') this.#text(String(value), name);
    if (Array.isArray(value)) for (const each of value) this.read(each, name);
    else if (typeof value === 'object' && value !== null) {
      for (const [key, each] of Object.entries(value)) if (!isName(key, value)) this.read(each, key);
    }
  }

  hold(text: string): boolean {
    const sought = plain(text);
    if (this.#whole.has(sought) || this.#asTime(text)) return true;
    if (/^[+-]?\d+\.?\d*$/.test(text) && this.#numbers.has(Number(text))) return true;
    this.#words ??= this.#texts.join('\n');
    if (holdsWords(this.#words, sought)) return true;
    if (text.length < LONG) return false;
    this.#solid ??= this.#words.replace(/\s+/g, '');
    return this.#solid.includes(sought.replace(/\s+/g, ''));
  }

  #text(text: string, name: string): void {
    const made = plain(text);
    if (!this.#whole.has(made)) this.#texts.push(made);
    this.#whole.add(made);
    const time = /^(\d{4}(?:-\d\d){0,2}(?:T[\d:]+(?:\.\d+)?)?|[\d:]{5,8})(?:Z|[+-]\d\d:\d\d)?$/.exec(text);
    if (time) this.#times.push(digits(time[1]!));
    if (name === 'data') this.#text(Buffer.from(text, 'base64').toString('utf8'), '');
  }

  #asTime(text: string): boolean {
    const [, sent, fraction = ''] = /^(\d{4,14})(\.\d+)?(?:[+-]\d{4})?$/.exec(text) ?? [];
    if (sent === undefined) return false;
    const sought = sent + digits(fraction).replace(/0+$/, '');
    return this.#times.some((time) => time.startsWith(sought));
  }
}

/** Elements that lead to a resource or say what an extension is, and hold nothing themselves. */
function isName(key: string, element: object): boolean {
  if (key === 'id' || key === 'fullUrl' || key === 'reference') return true;
  return key === 'url' && Object.keys(element).some((each) => /^(_?value[A-Z]|extension$)/.test(each));
}

function plain(text: string): string {
  return text.toLowerCase().replace(/\s+/g, ' ').trim();
}

function digits(text: string): string {
  return text.replace(/\D/g, '');
}

/** Whether a text stands in another one with neither letter nor digit beside it. */
function holdsWords(texts: string, sought: string): boolean {
  for (let at = texts.indexOf(sought); at >= 0; at = texts.indexOf(sought, at + 1)) {
    if (!isPartOfWord(texts[at - 1]) && !isPartOfWord(texts[at + sought.length])) return true;
  }
  return false;
}

function isPartOfWord(letter: string | undefined): boolean {
  return letter !== undefined && /[\p{L}\p{N}]/u.test(letter);
}
