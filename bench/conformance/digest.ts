import { createHash } from 'node:crypto';

/** By which two texts of many megabytes are compared, and verdicts on them found again. */
export function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
