import { createHash } from 'node:crypto';
import type { AuditEntry, StoredAuditEntry } from './message-store.ts';

/** The hash that the first entry of a trail is chained to. */
export const auditRoot = '0'.repeat(64);

/** SHA-256, in hex, over the hash before it and the entry: changing, removing or swapping an entry breaks every later one. */
export function auditHash(previous: string, n: number, entry: AuditEntry): string {
  const { at, actor, action, subject, reason, ticket = null } = entry;
  return createHash('sha256')
    .update(JSON.stringify([previous, n, at, actor, action, subject, reason, ticket]))
    .digest('hex');
}

/**
 * The number of the first entry that does not follow from the one before it, or undefined where the trail is whole. Takes
 * entries in ascending order; `previous` is the hash before the first of them.
 */
export function auditBreak(entries: readonly StoredAuditEntry[], previous: string = auditRoot): number | undefined {
  let hash = previous;
  let expected = entries[0]?.n;
  for (const entry of entries) {
    if (entry.n !== expected || auditHash(hash, entry.n, entry) !== entry.hash) return entry.n;
    hash = entry.hash;
    expected = entry.n + 1;
  }
  return undefined;
}
