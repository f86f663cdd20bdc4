import { METRIC, MISTAKES, PLAIN, PREFIXES } from './ucum-units.ts';

/** Longer than any unit that means something: the text of a profile is not trusted to be short. */
const MAX_LENGTH = 80;

/**
 * Whether a text is a unit of UCUM in its case-sensitive form (UCUM §2): `mm[Hg]`, `/min`, `{beats}/min`, `10*9/L`, `L/min/m2`. Of
 * its atoms those are known that devices and laboratories use.
 */
export function isUcum(text: string): boolean {
  if (text === '' || text.length > MAX_LENGTH || !/^[\x21-\x7e]+$/.test(text)) return false;
  const reader = { text, at: 0 };
  return term(reader) && reader.at === text.length;
}

/** What UCUM has for a text that is none of its units, where that is known. */
export function ucumFor(text: string): string | undefined {
  return Object.hasOwn(MISTAKES, text) ? MISTAKES[text] : undefined;
}

interface Reader {
  readonly text: string;
  at: number;
}

/** `/component` or `component`, then more of them behind `.` or `/`. */
function term(reader: Reader): boolean {
  if (reader.text[reader.at] === '/') reader.at++;
  if (!component(reader)) return false;
  while (reader.text[reader.at] === '.' || reader.text[reader.at] === '/') {
    reader.at++;
    if (!component(reader)) return false;
  }
  return true;
}

function component(reader: Reader): boolean {
  if (reader.text[reader.at] === '(') {
    reader.at++;
    if (!term(reader) || reader.text[reader.at] !== ')') return false;
    reader.at++;
    return true;
  }
  if (annotation(reader)) return true;
  // An atom ends where an exponent, an operator or an annotation begins; inside of brackets these are part of its name.
  const found = /^(?:10[*^]|(?:[A-Za-z%'_]|\[[^\]]*\])+|\d+)/.exec(reader.text.slice(reader.at))?.[0];
  if (found === undefined) return false;
  const isNumber = /^\d+$/.test(found);
  if (!isNumber && !isUnit(found)) return false;
  reader.at += found.length;
  if (!isNumber) reader.at += /^[+-]?\d+/.exec(reader.text.slice(reader.at))?.[0].length ?? 0;
  annotation(reader);
  return true;
}

function annotation(reader: Reader): boolean {
  const found = /^\{[^{}]+\}/.exec(reader.text.slice(reader.at))?.[0];
  reader.at += found?.length ?? 0;
  return found !== undefined;
}

function isUnit(atom: string): boolean {
  if (METRIC.has(atom) || PLAIN.has(atom)) return true;
  return PREFIXES.some((prefix) => atom.startsWith(prefix) && METRIC.has(atom.slice(prefix.length)));
}
