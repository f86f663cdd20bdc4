import type { Attachment } from '@medplum/fhirtypes';
import type { Conversion } from '../conversion.ts';
import type { View } from '../leaves.ts';
import { rows } from '../row-names.ts';
import { KINDS } from './media-types.ts';
import { uriOf } from './primitive.ts';

const ED = rows('ED[Attachment]', 4, 5, 6, 8);

/** Media types by the subtype of ED-3, or the type of data of ED-2, as senders write them. */
const MEDIA: Readonly<Record<string, string>> = {
  PDF: 'application/pdf',
  HTML: 'text/html',
  XML: 'text/xml',
  RTF: 'application/rtf',
  TEXT: 'text/plain',
  TXT: 'text/plain',
  TX: 'text/plain',
  FT: 'text/plain',
  PLAIN: 'text/plain',
  JPEG: 'image/jpeg',
  JPG: 'image/jpeg',
  PNG: 'image/png',
  TIFF: 'image/tiff',
  GIF: 'image/gif',
  DICOM: 'application/dicom',
  'X-HL7-CDA-LEVEL-ONE': 'text/xml',
  BASIC: 'audio/basic',
};
const OTHER = 'application/octet-stream';

/** An ED value (HL7 2.5.1 §2.A.24): its data as base64, whatever they were encoded as. Undefined, with an issue, where they are none. */
export function attachmentOfEd(view: View, conversion: Conversion): Attachment | undefined {
  const encoding = view.peek(4)?.toUpperCase();
  const text = view.peek(5);
  const data = text === undefined ? undefined : dataOf(text, encoding);
  if (text !== undefined && data === undefined) {
    conversion.issue('bad-data', 'its data are not encoded as ED-4 says');
    return undefined;
  }
  const type = view.peek(2);
  const subtype = view.peek(3);
  if (data === undefined) return undefined;
  view.take(5, ED[8]);
  if (view.peek(4) === 'Base64') view.take(4, ED[8]);
  const contentType = mediaTypeOf(type, subtype);
  const [usualType, usualSubtype] = Object.hasOwn(KINDS, contentType) ? KINDS[contentType]! : [];
  if (subtype !== undefined && subtype === usualSubtype) view.take(3, ED[6]);
  if (type !== undefined && type === usualType) view.take(2, ED[5]);
  return { contentType, data };
}

function mediaTypeOf(type: string | undefined, subtype: string | undefined): string {
  if (subtype?.includes('/') && /^[\w.+-]+\/[\w.+-]+$/.test(subtype)) return subtype.toLowerCase();
  const known = MEDIA[subtype?.toUpperCase() ?? ''] ?? MEDIA[type?.toUpperCase() ?? ''];
  if (known) return known;
  if (type?.includes('/') && /^[\w.+-]+\/[\w.+-]+$/.test(type)) return type.toLowerCase();
  return OTHER;
}

/** Base64 as it is, hexadecimal (`Hex`) and plain text (`A`) as base64. */
function dataOf(text: string, encoding: string | undefined): string | undefined {
  if (encoding === 'A' || encoding === 'ASCII') return Buffer.from(text, 'utf8').toString('base64');
  const plain = /\s/.test(text) ? text.replace(/\s+/g, '') : text;
  if (encoding === 'HEX')
    return /^(?:[0-9A-Fa-f]{2})+$/.test(plain) ? Buffer.from(plain, 'hex').toString('base64') : undefined;
  if (plain.length % 4 === 0 && isBase64(plain)) return plain;
  return encoding === undefined ? Buffer.from(text, 'utf8').toString('base64') : undefined;
}

/** A loop: the text may be as long as a document. */
function isBase64(text: string): boolean {
  let end = text.length;
  if (text[end - 1] === '=') end--;
  if (text[end - 1] === '=') end--;
  for (let at = 0; at < end; at++) {
    const code = text.charCodeAt(at);
    const isLetter = (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
    if (!isLetter && !(code >= 0x2f && code <= 0x39) && code !== 0x2b) return false;
  }
  return true;
}

const RP = rows('RP[Attachment]', 3, 5);

/** An RP value: where a document lies. A pointer that is no URI is kept as it is, the application that knows it before it. */
export function attachmentOfRp(view: View): Attachment | undefined {
  const pointer = view.peek(1);
  const url = pointer === undefined ? undefined : uriOf(pointer);
  if (url === undefined) return undefined;
  view.take(1, RP[3]);
  const contentType = mediaTypeOf(view.peek(3), view.peek(4));
  if (contentType === OTHER) return { url };
  const [type, subtype] = Object.hasOwn(KINDS, contentType) ? KINDS[contentType]! : [];
  if (view.peek(3) === type) view.take(3, RP[5]);
  if (view.peek(4) === subtype) view.take(4, RP[5]);
  return { contentType, url };
}
