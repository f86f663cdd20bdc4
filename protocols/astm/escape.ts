import { ProtocolFault } from '../fault.ts';
import type { Delimiters } from './delimiters.ts';

/** Turns the bytes of `&Xhh&` into text, or answers undefined when they are none in the message's character set. */
export type HexDecoder = (bytes: Buffer) => string | undefined;

/**
 * Writes `text` so that it can stand in a field: delimiters as `&F& &S& &R& &E&`, and control characters, which the link
 * may not carry, as `&Xhh&` (LIS02-A2 §5.4). `unescapeText` gives the same text back.
 * @throws ProtocolFault astm.unencodable when an escape is needed and the header declares no escape delimiter
 */
export function escapeText(text: string, delimiters: Delimiters): string {
  let result = '';
  let done = 0;
  for (let at = 0; at < text.length; at++) {
    const name = nameOf(text[at]!, delimiters);
    if (name === undefined) continue;
    if (delimiters.escape === '') {
      throw new ProtocolFault('astm.unencodable', 'escaping a text: the header declares no escape delimiter', at);
    }
    result += text.slice(done, at) + delimiters.escape + name + delimiters.escape;
    done = at + 1;
  }
  return done === 0 ? text : result + text.slice(done);
}

/**
 * Reads a text. Highlighting (`&H& &N&`) means nothing and `&.br&` a line's end; what is local (`&Z…&`), unknown, or a
 * lone delimiter stays as it is: analyzers write `A & B` unescaped.
 */
export function unescapeText(text: string, delimiters: Delimiters, decodeHex: HexDecoder = asLatin1): string {
  const mark = delimiters.escape;
  let open = mark === '' ? -1 : text.indexOf(mark);
  let result = '';
  let done = 0;
  while (open >= 0) {
    const close = text.indexOf(mark, open + 1);
    if (close < 0) break;
    const meaning = meaningOf(text.slice(open + 1, close), delimiters, decodeHex);
    if (meaning === undefined) {
      open = close;
      continue;
    }
    result += text.slice(done, open) + meaning;
    done = close + 1;
    open = text.indexOf(mark, done);
  }
  return done === 0 ? text : result + text.slice(done);
}

function nameOf(character: string, delimiters: Delimiters): string | undefined {
  switch (character) {
    case delimiters.field:
      return 'F';
    case delimiters.component:
      return 'S';
    case delimiters.repeat:
      return 'R';
    case delimiters.escape:
      return 'E';
    default: {
      const code = character.charCodeAt(0);
      return code < 0x20 || code === 0x7f ? `X${code.toString(16).toUpperCase().padStart(2, '0')}` : undefined;
    }
  }
}

function meaningOf(name: string, delimiters: Delimiters, decodeHex: HexDecoder): string | undefined {
  switch (name) {
    case 'F':
      return delimiters.field;
    case 'S':
      return delimiters.component;
    case 'R':
      return delimiters.repeat;
    case 'E':
      return delimiters.escape;
    case 'H':
    case 'N':
      return '';
    case '.br':
      return '\n';
    default:
      return HEX.test(name) ? decodeHex(Buffer.from(name.slice(1), 'hex')) : undefined;
  }
}

const HEX = /^X(?:[0-9A-Fa-f]{2}){1,64}$/;

function asLatin1(bytes: Buffer): string {
  return bytes.toString('latin1');
}
