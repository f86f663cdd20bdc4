import { Document, document } from '../../core/document.ts';
import { HubError } from '../../core/errors.ts';
import { many, type TransformSpec } from '../../core/transform.ts';
import type { Hl7Message } from '../../protocols/hl7v2/message.ts';
import type { Segment } from '../../protocols/hl7v2/segment.ts';
import { hl7v2 } from '../hl7v2.ts';
import { readHl7Path } from '../hl7v2-path.ts';

const extensions: Readonly<Record<string, readonly [string, string]>> = {
  pdf: ['pdf', 'application/pdf'],
  jpeg: ['jpg', 'image/jpeg'],
  jpg: ['jpg', 'image/jpeg'],
  png: ['png', 'image/png'],
  tiff: ['tif', 'image/tiff'],
  gif: ['gif', 'image/gif'],
  rtf: ['rtf', 'application/rtf'],
  html: ['html', 'text/html'],
  xml: ['xml', 'application/xml'],
  'x-hl7-cda-level-one': ['xml', 'application/xml'],
  plain: ['txt', 'text/plain'],
  dicom: ['dcm', 'application/dicom'],
};

/**
 * Makes a document of each ED value (HL7 2.5.1 §2.A.24) at a field, with its decoded bytes and a file name: the code in OBX-3, else the
 * segment, its number, and the ending of its data subtype. A message without one is filtered. Throws HubError `config-invalid` for what
 * is no field.
 */
export function splitDocuments(place: string): TransformSpec<Hl7Message, Document> {
  const { segment, field, component } = readHl7Path(place);
  if (field === 0 || component !== 0)
    throw new HubError('config-invalid', 'permanent', `${place}: the field that holds documents is needed, as OBX-5`);
  return Object.freeze({
    kind: 'transform' as const,
    type: 'split',
    config: { document: place },
    accepts: hl7v2,
    produces: document,
    create: () => (message: Hl7Message) => {
      const chosen = new Set(message.all(place));
      return many(message.segments(segment).flatMap((each, index) => documentsIn(each, index, field, chosen)));
    },
  });
}

function documentsIn(segment: Segment, index: number, field: number, chosen: ReadonlySet<string>): Document[] {
  if (segment.name === 'OBX' && field === 5 && segment.get('2') !== 'ED') return [];
  const repetitions = segment.field(field).repetitions;
  return repetitions.flatMap((repetition, at) => {
    const [, , subtype, encoding, data] = repetition.components;
    if (!data?.value || !chosen.has(repetition.value ?? '')) return [];
    const where = `${segment.name}[${index + 1}]-${field}[${at + 1}]`;
    const bytes = decoded(data.value, encoding?.value ?? '', where);
    const [ending, type] = typeOf(subtype?.value ?? '', bytes);
    const code = segment.name === 'OBX' ? segment.get('3.1') : undefined;
    const name = `${safe(code ?? segment.name)}-${index + 1}${repetitions.length > 1 ? `-${at + 1}` : ''}.${ending}`;
    return [new Document(bytes, name, type)];
  });
}

/** HL7 table 0299. */
function decoded(text: string, encoding: string, where: string): Uint8Array {
  const bare = text.replaceAll(/\s+/g, '');
  switch (encoding.toLowerCase()) {
    case 'base64':
      if (/^[A-Za-z0-9+/]*={0,2}$/.test(bare)) return Buffer.from(bare, 'base64');
      break;
    case 'hex':
      if (/^(?:[0-9A-Fa-f]{2})*$/.test(bare)) return Buffer.from(bare, 'hex');
      break;
    case 'a':
    case '':
      return Buffer.from(text, 'utf8');
    default:
      throw failed(where, 'its encoding is not known');
  }
  throw failed(where, `it is not ${encoding}`);
}

/** By the data subtype (table 0291); where that says nothing, a PDF is known by its beginning. */
function typeOf(subtype: string, bytes: Uint8Array): readonly [string, string] {
  const known = extensions[subtype.toLowerCase()];
  if (known) return known;
  const isPdf = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 5)).toString('latin1') === '%PDF-';
  return isPdf ? extensions.pdf! : ['bin', 'application/octet-stream'];
}

function safe(code: string): string {
  return code.replaceAll(/[^A-Za-z0-9.-]/g, '_').slice(0, 64);
}

function failed(where: string, what: string): HubError {
  return new HubError('step-failed', 'permanent', `decoding the document in ${where}: ${what}`);
}
