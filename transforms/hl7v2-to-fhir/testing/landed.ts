import type { ReadMessage } from '../read-message.ts';

/** How many values of a message (leaves of three characters or more) are found in a text of FHIR, and which are not. */
export interface Landed {
  readonly values: number;
  readonly found: number;
  /** The v2 paths of those that are not. */
  readonly lost: readonly string[];
}

/**
 * Looks for values as people would: as they stand, times and days as FHIR writes them, texts in base64, the names of coding
 * systems as their URIs. How the message itself is encoded is left out.
 */
export function landed({ segments }: ReadMessage, bundle: unknown): Landed {
  const texts = textsOf(bundle);
  const all = texts.join('\n');
  let values = 0;
  let found = 0;
  const lost: string[] = [];
  for (const segment of segments) {
    for (const [field, repetition, component, subcomponent, { text }] of segment.leaves()) {
      if (text.length < 3 || (segment.name === 'MSH' && field < 3)) continue;
      values++;
      if (spellings(text).some((spelling) => all.includes(spelling))) found++;
      else lost.push(`${segment.name}[${segment.occurrence}]-${field}[${repetition}].${component}.${subcomponent}`);
    }
  }
  return { values, found, lost };
}

function spellings(text: string): string[] {
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:\.\d+)?(?:[+-]\d{4})?$/.exec(text) ?? [];
  const made = [text];
  if (year && month) {
    let iso = `${year}-${month}`;
    if (day) iso += `-${day}`;
    if (hour) iso += `T${hour}:${minute ?? '00'}${second ? `:${second}` : ''}`;
    made.push(iso);
  }
  const [, table] = /^HL7(\d{4})$/.exec(text) ?? [];
  if (table) made.push(`v2-${table}`);
  if (/^-?\d*\.?\d+$/.test(text)) made.push(String(Number(text)));
  if (/\s{2,}|[\r\n]/.test(text)) made.push(text.replace(/\s+/g, ' '));
  return made;
}

function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value, ...decoded(value)];
  if (typeof value === 'number' || typeof value === 'boolean') return [String(value)];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(textsOf);
}

function decoded(text: string): string[] {
  return text.length > 3 && text.length % 4 === 0 && /^[A-Za-z0-9+/]+=*$/.test(text)
    ? [Buffer.from(text, 'base64').toString('utf8')]
    : [];
}
