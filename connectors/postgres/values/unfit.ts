import type { JsonValue } from '../../../contracts/json.ts';

/** What a value of a message may be before it is a column's: JSON, the message's bytes, or nothing. */
export type GivenValue = JsonValue | Uint8Array | undefined;

/** The text that PostgreSQL reads as a value of a type; null for NULL. Throws Unfit. */
export type Convert = (value: Exclude<GivenValue, null | undefined>) => string;

/** A value that does not fit its column. Says what the column wants, never what the value is. */
export class Unfit extends Error {
  constructor(wanted: string) {
    super(wanted);
    this.name = 'Unfit';
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** A text, or a number or truth value as one. */
export function textOf(value: Exclude<GivenValue, null | undefined>): string {
  if (typeof value === 'string') {
    if (value.includes('\0')) throw new Unfit('holds U+0000, which PostgreSQL cannot');
    if (!value.isWellFormed()) throw new Unfit('holds half a character');
    return value;
  }
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (value instanceof Uint8Array) return textOf(decoded(value));
  throw new Unfit('is an object or a list, and the column is none');
}

function decoded(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new Unfit('is not text in UTF-8');
  }
}
