import { KINDS } from '../../hl7v2-to-fhir/types/media-types.ts';
import type { Context } from '../context.ts';
import type { Element } from '../element.ts';
import { put, type Repetition, textAt } from '../repetition.ts';

function kindOf(type: string): readonly [string | undefined, string | undefined] {
  const plain = type.split(';')[0]!.trim().toLowerCase();
  return Object.hasOwn(KINDS, plain) ? KINDS[plain]! : ['AP', plain];
}

/** An Attachment with its data as ED (HL7 2.5.1 §2.A.24), in Base64. */
export function edOf(attachment: Element, context: Context): Repetition | undefined {
  const { reading } = context;
  const data = reading.text(attachment, 'data');
  if (data === undefined) return undefined;
  const made: Repetition = [];
  const [type, subtype] = kindOf(reading.text(attachment, 'contentType') ?? '');
  put(made, 2, 1, type);
  put(made, 3, 1, subtype);
  put(made, 4, 1, 'Base64');
  put(made, 5, 1, data);
  return made;
}

/** An Attachment that lies elsewhere as RP. */
export function rpOf(attachment: Element, context: Context): Repetition | undefined {
  const { reading } = context;
  const url = reading.text(attachment, 'url');
  if (url === undefined) return undefined;
  const made: Repetition = [];
  put(made, 1, 1, url);
  const contentType = reading.text(attachment, 'contentType');
  if (contentType !== undefined) {
    const [type, subtype] = kindOf(contentType);
    put(made, 3, 1, type);
    put(made, 4, 1, subtype);
  }
  return made;
}

/** Puts the data of an ED into the encoding that its fourth component says: text as it is, or hexadecimal. */
export function encodedAs(value: Repetition): void {
  const encoding = textAt(value, 4)?.toUpperCase();
  const data = textAt(value, 5);
  if (data === undefined) return;
  if (encoding === 'A' || encoding === 'ASCII') value[4] = [Buffer.from(data, 'base64').toString('utf8')];
  else if (encoding === 'HEX') value[4] = [Buffer.from(data, 'base64').toString('hex').toUpperCase()];
}
