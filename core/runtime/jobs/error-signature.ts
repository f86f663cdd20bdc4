import { createHash } from 'node:crypto';
import type { ErrorRecord } from '../../errors.ts';

const uuid = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi;
const time = /\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?/g;
const address = /\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?/g;
const hex = /\b(?=[0-9a-f]*\d)[0-9a-f]{8,}\b/gi;
/** What has digits and tells one cause from another: a place in a message, the code of an answer, a standard. */
const telling =
  /\b[A-Z][A-Z0-9]{2}-\d+(?:\[[^\]]*\])?(?:[.-]\d+)*|(?<=\b(?:HTTP|status|answered|SQLite|code|TLSv?) ?)\d[\d.]*|\b(?:hl7v2|v2|UTF-8|ISO-8859-\d+)\b/g;
const number = /\d+(?:[.,]\d+)*/g;

/** The message of an error without what differs from one message to the next: ids, times, addresses and numbers. */
export function withoutNumbers(message: string): string {
  const plain = message
    .replace(uuid, '<id>')
    .replace(time, '<time>')
    .replace(address, '<address>')
    .replace(hex, '<id>');
  let normal = '';
  let at = 0;
  for (const kept of plain.matchAll(telling)) {
    normal += plain.slice(at, kept.index).replace(number, '#') + kept[0];
    at = kept.index + kept[0].length;
  }
  return normal + plain.slice(at).replace(number, '#');
}

/**
 * Names the cause of an error in one word, e.g. `reply-negative/3f9a1c2b`: its code, and a hash of its text without what differs from
 * one message to the next. The same on every hub and in every run.
 */
export function errorSignature({ code, message }: Pick<ErrorRecord, 'code' | 'message'>): string {
  return signatureOf(code, withoutNumbers(message));
}

/** @param normal the text as `withoutNumbers` leaves it */
export function signatureOf(code: string, normal: string): string {
  return `${code}/${createHash('sha256').update(normal).digest('hex').slice(0, 8)}`;
}

/** Whether an error is one that is asked for by its code, or by its signature. */
export function isOfCause(wanted: string, error: Pick<ErrorRecord, 'code' | 'message'>): boolean {
  if (!wanted.includes('/')) return wanted === error.code;
  return wanted.startsWith(`${error.code}/`) && wanted === errorSignature(error);
}
