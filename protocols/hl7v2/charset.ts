import { ProtocolFault } from '../fault.ts';

/** How the bytes of one message stand for characters. */
export interface Charset {
  /** The name as IANA writes it in lower case: `utf-8`, `iso-8859-15`, `windows-1252`. */
  readonly name: string;
  /** Decodes `bytes[start, end)`. Never throws: what is no character becomes U+FFFD. */
  decode(bytes: Buffer, start: number, end: number): string;
  /** Decodes all of `bytes`, or answers undefined when they are not valid. */
  decodeValid(bytes: Buffer): string | undefined;
  /**
   * Encodes `text`, writing `substitute` for each character that this set does not have.
   * @throws ProtocolFault hl7v2.unencodable when there is such a character and no substitute
   */
  encode(text: string, substitute?: string): Buffer;
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export const utf8: Charset = {
  name: 'utf-8',
  decode: (bytes, start, end) => bytes.toString('utf8', start, end),
  decodeValid: validUtf8,
  encode(text, substitute) {
    if (text.isWellFormed()) return Buffer.from(text, 'utf8');
    return Buffer.from(replaceUnencodable(text, isScalar, substitute, 'utf-8'), 'utf8');
  },
};

/** ISO 8859-1 exactly: bytes 80 to 9F are the C1 controls, not the letters that windows-1252 has there. */
export const latin1: Charset = {
  name: 'iso-8859-1',
  decode: (bytes, start, end) => bytes.toString('latin1', start, end),
  decodeValid: (bytes) => bytes.toString('latin1'),
  encode: (text, substitute) => Buffer.from(replaceUnencodable(text, isLatin1, substitute, 'iso-8859-1'), 'latin1'),
};

/** Seven bits to write; what has the eighth bit set is read as ISO 8859-1. */
export const ascii: Charset = {
  name: 'us-ascii',
  decode: latin1.decode,
  decodeValid: latin1.decodeValid,
  encode: (text, substitute) => Buffer.from(replaceUnencodable(text, isAscii, substitute, 'us-ascii'), 'latin1'),
};

/**
 * The character set that a name of HL7 table 0211 (as in MSH-18) or a common alias stands for; undefined when it is not
 * one that can be read byte by byte. `UNICODE` alone is UTF-8: that is what its senders mean.
 */
export function charsetNamed(name: string): Charset | undefined {
  const known = spellings.get(name);
  if (known) return known;
  const letters = name.toUpperCase().replace(/[^A-Z0-9]/g, '');
  const label = aliases[letters] ?? isoPart(letters) ?? windowsPage(letters);
  return label === undefined ? undefined : labelled(label);
}

/** Whether bytes are UTF-8 from end to end. */
export { isUtf8 } from 'node:buffer';

/** Those that most messages have, and that charsets are called by here. */
const spellings = new Map<string, Charset>([
  ['UNICODE UTF-8', utf8],
  ['ASCII', ascii],
  ['8859/1', latin1],
  ...[utf8, latin1, ascii].map((charset) => [charset.name, charset] as const),
]);

const aliases: Record<string, string> = {
  ASCII: 'us-ascii',
  USASCII: 'us-ascii',
  ISOIR6: 'us-ascii',
  UTF8: 'utf-8',
  UNICODE: 'utf-8',
  UNICODEUTF8: 'utf-8',
  LATIN1: 'iso-8859-1',
  LATIN9: 'iso-8859-15',
  ANSI: 'windows-1252',
};

function isoPart(letters: string): string | undefined {
  const part = /^(?:ISO)?8859([1-9]|1[013456])$/.exec(letters)?.[1];
  return part && `iso-8859-${part}`;
}

function windowsPage(letters: string): string | undefined {
  const page = /^(?:WINDOWS|WIN|CP)?(125[0-8])$/.exec(letters)?.[1];
  return page && `windows-${page}`;
}

const tables = new Map<string, Charset>([utf8, latin1, ascii].map((charset) => [charset.name, charset]));

function labelled(label: string): Charset {
  let charset = tables.get(label);
  if (!charset) {
    charset = singleByte(label);
    tables.set(label, charset);
  }
  return charset;
}

function singleByte(label: string): Charset {
  const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  const characters = [...new TextDecoder(label).decode(all)];
  // The platform's decoders give parts of ISO 8859 the letters of a Windows page in C1 (WHATWG Encoding §4.2); ISO does not.
  if (label.startsWith('iso-')) for (let byte = 0x80; byte < 0xa0; byte++) characters[byte] = String.fromCharCode(byte);
  const bytes = new Map<string, number>();
  for (const [byte, character] of characters.entries()) if (character !== '\ufffd') bytes.set(character, byte);
  const decode = (source: Buffer, start: number, end: number) => {
    let text = '';
    for (let at = start; at < end; at++) text += characters[source[at]!];
    return text;
  };
  const has = (character: string) => bytes.has(character);
  return {
    name: label,
    decode,
    decodeValid(source) {
      const text = decode(source, 0, source.length);
      return text.includes('\ufffd') ? undefined : text;
    },
    encode: (text, substitute) =>
      Buffer.from([...replaceUnencodable(text, has, substitute, label)].map((character) => bytes.get(character)!)),
  };
}

function validUtf8(bytes: Buffer): string | undefined {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return undefined;
  }
}

function replaceUnencodable(
  text: string,
  has: (character: string) => boolean,
  substitute: string | undefined,
  name: string,
): string {
  if (isAsciiText(text)) return text;
  const replacement = substitute !== undefined && [...substitute].every(has) ? substitute : undefined;
  let result = '';
  let offset = 0;
  for (const character of text) {
    if (has(character)) result += character;
    else if (replacement === undefined) {
      throw new ProtocolFault('hl7v2.unencodable', `writing a text as ${name}: a character is not in that set`, offset);
    } else result += replacement;
    offset += character.length;
  }
  return result;
}

function isAsciiText(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) >= 0x80) return false;
  return true;
}

const isScalar = (character: string) => character.isWellFormed();
const isLatin1 = (character: string) => character.length === 1 && character.charCodeAt(0) < 0x100;
const isAscii = (character: string) => character.length === 1 && character.charCodeAt(0) < 0x80;
