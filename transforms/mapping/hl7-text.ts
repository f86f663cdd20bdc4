import { ProtocolFault } from '../../protocols/fault.ts';
import type { Charset } from '../../protocols/hl7v2/charset.ts';
import { DEFAULT_DELIMITERS, type Delimiters } from '../../protocols/hl7v2/delimiters.ts';
import { escapeText, unescapeText } from '../../protocols/hl7v2/escape.ts';
import type { Layout } from '../../protocols/hl7v2/layout.ts';
import type { RawText } from './value.ts';

/** A message's delimiters as characters; empty where it declares none. */
export interface Separators {
  readonly field: string;
  readonly repetition: string;
  readonly component: string;
  readonly subcomponent: string;
}

export function separatorsOf(delimiters: Delimiters): Separators {
  const character = (code: number) => (code < 0 ? '' : String.fromCharCode(code));
  return {
    field: character(delimiters.field),
    repetition: character(delimiters.repetition),
    component: character(delimiters.component),
    subcomponent: character(delimiters.subcomponent),
  };
}

/**
 * The text with part `n` (from 1) of what `separator` divides replaced by `part`, the separators before it added where it has fewer.
 * An empty part that is not there is not made. With `inner`, the part is itself such a text, of which part `m` is replaced.
 */
export function withPart(
  text: string,
  separator: string,
  n: number,
  part: string,
  inner = '',
  m = 0,
  deepest = '',
  k = 0,
): string {
  let start = 0;
  let left = n;
  if (separator === '') {
    if (n > 1) throw undeclared();
    left = 1;
  }
  for (; left > 1; left--) {
    const next = text.indexOf(separator, start);
    if (next < 0) break;
    start = next + 1;
  }
  const missing = left - 1;
  let end = separator === '' || missing > 0 ? text.length : text.indexOf(separator, start);
  if (end < 0) end = text.length;
  const old = missing > 0 ? '' : text.slice(start, end);
  const made = m > 0 ? withPart(old, inner, m, part, deepest, k) : part;
  if (start === 0 && missing === 0 && end === text.length) return made;
  if (missing > 0) return made === '' ? text : text + separator.repeat(missing) + made;
  return text.slice(0, start) + made + text.slice(end);
}

/** Part `n` (from 1) of what `separator` divides; undefined when there are fewer. */
export function partOf(text: string, separator: string, n: number): string | undefined {
  if (separator === '') return n === 1 ? text : undefined;
  let start = 0;
  for (let left = n; left > 1; left--) {
    const next = text.indexOf(separator, start);
    if (next < 0) return undefined;
    start = next + 1;
  }
  const end = text.indexOf(separator, start);
  return end < 0 ? text.slice(start) : text.slice(start, end);
}

export function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) >= 0x80) return false;
  return true;
}

/** Of each ASCII character, 1 where it stands for itself in messages with the usual delimiters; `"` is none, since `""` means something. */
const usual = Uint8Array.from({ length: 128 }, (_, code) => {
  const special = code < 0x20 || code > 0x7e || '"|^~\\&'.includes(String.fromCharCode(code));
  return special ? 0 : 1;
});

/** Whether a text stands in messages with the usual delimiters as it is. Most do, and this loop takes a third of escaping. */
function isUsual(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= 128 || usual[code] === 0) return false;
  }
  return true;
}

/** A text as its bytes stand in a message, each byte one character. */
export function encoded(
  text: string,
  delimiters: Delimiters,
  charset: Charset,
  substitute: string | undefined,
): string {
  if (delimiters === DEFAULT_DELIMITERS && isUsual(text)) return text;
  const escaped = escapeText(text, delimiters);
  return isAscii(escaped) ? escaped : charset.encode(escaped, substitute).toString('latin1');
}

/** What bytes, each one character, stand for. */
export function decoded(raw: string, delimiters: Delimiters, charset: Charset): string {
  const text = isAscii(raw) ? raw : charset.decode(Buffer.from(raw, 'latin1'), 0, raw.length);
  return unescapeText(text, delimiters, (hex) => charset.decodeValid(hex));
}

/** A piece of one message as it stands in another one: with that one's delimiters, and in its character set. */
export function adopted(
  { text, layout }: RawText,
  delimiters: Delimiters,
  charset: Charset,
  substitute: string | undefined,
): string {
  const same = sameDelimiters(layout.delimiters, delimiters);
  const ascii = isAscii(text);
  if (same && (ascii || layout.charset === charset)) return text;
  const characters = ascii ? text : decodedBytes(text, layout);
  const converted = same ? characters : converse(characters, layout.delimiters, delimiters);
  return isAscii(converted) ? converted : charset.encode(converted, substitute).toString('latin1');
}

function decodedBytes(text: string, { charset }: Layout): string {
  return charset.decode(Buffer.from(text, 'latin1'), 0, text.length);
}

const levels = ['field', 'component', 'repetition', 'escape', 'subcomponent'] as const;

function sameDelimiters(a: Delimiters, b: Delimiters): boolean {
  return a === b || (levels.every((level) => a[level] === b[level]) && a.truncation === b.truncation);
}

/** Delimiters and escape characters become those of the other message; what is text here and a delimiter there is escaped. */
function converse(text: string, from: Delimiters, to: Delimiters): string {
  let result = '';
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const close = code === from.escape ? text.indexOf(text[at]!, at + 1) : -1;
    if (close > at) {
      const body = text.slice(at + 1, close);
      const meant = body.length === 1 ? delimiterMeant(body, from) : -1;
      const mark = to.escape < 0 ? undeclaredMark() : String.fromCharCode(to.escape);
      result += meant < 0 ? mark + body + mark : escapeText(String.fromCharCode(meant), to);
      at = close;
      continue;
    }
    const level = code === from.escape ? undefined : levels.find((each) => from[each] === code);
    if (level === undefined) result += escapeText(text[at]!, to);
    else if (to[level] < 0) throw undeclared();
    else result += String.fromCharCode(to[level]);
  }
  return result;
}

/** HL7 2.5.1 §2.7.1 */
function delimiterMeant(letter: string, delimiters: Delimiters): number {
  switch (letter) {
    case 'F':
      return delimiters.field;
    case 'S':
      return delimiters.component;
    case 'T':
      return delimiters.subcomponent;
    case 'R':
      return delimiters.repetition;
    case 'E':
      return delimiters.escape;
    default:
      return -1;
  }
}

function undeclaredMark(): never {
  throw undeclared();
}

function undeclared(): ProtocolFault {
  return new ProtocolFault('hl7v2.bad-value', 'writing a value: the message declares no delimiter for its level');
}
