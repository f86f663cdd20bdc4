import { ProtocolFault } from '../fault.ts';
import { DEFAULT_DELIMITERS, type Delimiters } from './delimiters.ts';

/** Turns the bytes of a `\Xdd..\` into text, or answers undefined when they are no text in the message's character set. */
export type HexDecoder = (bytes: Buffer) => string | undefined;

/**
 * Writes `text` so that it can stand in a field: delimiters as `\F\ \S\ \T\ \R\ \E\ \P\`, LF as `\.br\`, and every other
 * control character but TAB as `\Xdd\`, because CR ends a segment and MLLP reserves others (HL7 2.5.1 §2.7).
 * `unescapeText` gives the same text back.
 * @throws ProtocolFault hl7v2.unencodable when the message declares no escape character and one is needed
 */
export function escapeText(text: string, delimiters: Delimiters): string {
  if (text === '""') return escapeAll(text, delimiters);
  let result = '';
  let done = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const letter = letterOf(code, delimiters);
    if (letter === undefined) continue;
    result += text.slice(done, at) + sequence(letter, delimiters, at);
    done = at + 1;
  }
  return done === 0 ? text : result + text.slice(done);
}

/**
 * Reads a field's text. Formatting becomes plain text: `\.br\`, `\.ce\` and `\.sp n\` line feeds, `\.sk n\` blanks, and
 * indents, fill modes and highlighting (`\H\ \N\`) nothing. Changes of character set (`\Cxxyy\ \Mxxyyzz\`), local
 * sequences (`\Zdd\`), anything unknown and a lone escape character stay as they are.
 */
export function unescapeText(text: string, delimiters: Delimiters, decodeHex: HexDecoder = asUtf8): string {
  if (delimiters.escape < 0) return text;
  const mark = String.fromCharCode(delimiters.escape);
  let open = text.indexOf(mark);
  let result = '';
  let done = 0;
  while (open >= 0) {
    const close = text.indexOf(mark, open + 1);
    if (close < 0) break;
    const meaning = meaningOf(text.slice(open + 1, close), mark, delimiters, decodeHex);
    if (meaning === undefined) {
      // Not a sequence, so what looked like its end may begin the next one: `C:\dir\F\`.
      open = close;
      continue;
    }
    result += text.slice(done, open) + meaning;
    done = close + 1;
    open = text.indexOf(mark, done);
  }
  return done === 0 ? text : result + text.slice(done);
}

function escapeAll(text: string, delimiters: Delimiters): string {
  let result = '';
  for (let at = 0; at < text.length; at++) result += sequence(hex(text.charCodeAt(at)), delimiters, at);
  return result;
}

function sequence(letter: string, delimiters: Delimiters, offset: number): string {
  if (delimiters.escape < 0) {
    throw new ProtocolFault('hl7v2.unencodable', 'escaping a text: MSH-2 declares no escape character', offset);
  }
  const mark = String.fromCharCode(delimiters.escape);
  return mark + letter + mark;
}

function letterOf(code: number, delimiters: Delimiters): string | undefined {
  if (code === delimiters.field) return 'F';
  if (code === delimiters.component) return 'S';
  if (code === delimiters.subcomponent) return 'T';
  if (code === delimiters.repetition) return 'R';
  if (code === delimiters.escape) return 'E';
  if (code === delimiters.truncation) return 'P';
  if (code >= 0x20 ? code !== 0x7f : code === 0x09) return undefined;
  return code === 0x0a && !isDot(delimiters) ? '.br' : hex(code);
}

/** With a full stop for a delimiter, `\.br\` would be cut in two. */
function isDot(delimiters: Delimiters): boolean {
  const { field, component, repetition, escape: mark, subcomponent } = delimiters;
  return mark === DOT || field === DOT || component === DOT || repetition === DOT || subcomponent === DOT;
}

const DOT = 0x2e;
const hex = (code: number) => `X${code.toString(16).toUpperCase().padStart(2, '0')}`;

function meaningOf(body: string, mark: string, delimiters: Delimiters, decodeHex: HexDecoder): string | undefined {
  if (body.length === 1) return delimiterMeant(body, delimiters);
  const kind = body[0];
  if (kind === '.') return formatting(body);
  if (kind === 'X') return isHex(body) ? decodeHex(Buffer.from(body.slice(1), 'hex')) : undefined;
  const verbatim =
    (kind === 'C' && body.length === 5) || (kind === 'M' && (body.length === 5 || body.length === 7)) || kind === 'Z';
  return verbatim && isHex(body) ? mark + body + mark : undefined;
}

function delimiterMeant(letter: string, delimiters: Delimiters): string | undefined {
  switch (letter) {
    case 'F':
      return String.fromCharCode(delimiters.field);
    case 'S':
      return declaredOr(delimiters.component, DEFAULT_DELIMITERS.component);
    case 'T':
      return declaredOr(delimiters.subcomponent, DEFAULT_DELIMITERS.subcomponent);
    case 'R':
      return declaredOr(delimiters.repetition, DEFAULT_DELIMITERS.repetition);
    case 'E':
      return String.fromCharCode(delimiters.escape);
    case 'P':
      return declaredOr(delimiters.truncation, 0x23);
    case 'H':
    case 'N':
      return '';
    default:
      return undefined;
  }
}

function declaredOr(code: number, otherwise: number): string {
  return String.fromCharCode(code >= 0 ? code : otherwise);
}

/** HL7 2.5.1 §2.7.6. A count above 99 is taken for a mistake: it would only swell the text. */
function formatting(body: string): string | undefined {
  const rest = body.slice(3).trim();
  const count = rest === '' ? 1 : /^\+?\d{1,2}$/.test(rest) ? Number(rest) : undefined;
  switch (body.slice(1, 3)) {
    case 'br':
    case 'ce':
      return rest === '' ? '\n' : undefined;
    case 'sp':
      return count === undefined ? undefined : '\n'.repeat(count);
    case 'sk':
      return count === undefined ? undefined : ' '.repeat(count);
    case 'fi':
    case 'nf':
      return rest === '' ? '' : undefined;
    case 'in':
    case 'ti':
      return /^[+-]?\d{1,2}$/.test(rest) ? '' : undefined;
    default:
      return undefined;
  }
}

/** Whether all but the first letter are pairs of hexadecimal digits. A loop: the text may be as long as a document. */
function isHex(body: string): boolean {
  if (body.length < 3 || body.length % 2 === 0) return false;
  for (let at = 1; at < body.length; at++) if (!HEX_DIGITS.includes(body[at]!)) return false;
  return true;
}

const HEX_DIGITS = '0123456789ABCDEFabcdef';

function asUtf8(bytes: Buffer): string | undefined {
  const text = bytes.toString('utf8');
  return text.includes('\ufffd') ? undefined : text;
}
