import { storable } from '../../../clients/postgres/copy-rows.ts';
import { literal } from '../../../clients/postgres/quote.ts';
import { auditHash } from '../../../core/store/audit-chain.ts';
import type { AuditEntry } from '../../../core/store/message-store.ts';
import type { Transaction } from './transaction.ts';

/** Writes the audit trail, each entry chained to the one before it, whichever hub wrote that. */
export async function addToTrail(tx: Transaction, entries: readonly AuditEntry[]): Promise<void> {
  const { quoted } = tx.state;
  const [[end] = []] = await tx.read(`SELECT n, hash FROM ${quoted}.audit_end FOR UPDATE`);
  let n = Number(end?.[0]);
  let hash = end?.[1] ?? '';
  const rows = entries.map((entry) => {
    const { at, actor, action, subject, reason, ticket } = storableEntry(entry);
    hash = auditHash(hash, ++n, storableEntry(entry));
    const texts = [actor, action, subject, reason, ticket, hash].map(literal);
    return `(${n}, ${at}, ${texts.join(', ')})`;
  });
  tx.write(
    `INSERT INTO ${quoted}.audit (n, at, actor, action, subject, reason, ticket, hash) VALUES ${rows.join(', ')}`,
  );
  tx.write(`UPDATE ${quoted}.audit_end SET n = ${n}, hash = ${literal(hash)}`);
}

/** As it will be read: the hash is over what is stored. */
function storableEntry({ at, actor, action, subject, reason, ticket }: AuditEntry): AuditEntry {
  const fields = { at: Math.trunc(at), actor: storable(actor), action: storable(action) };
  const more = { subject: storable(subject), reason: storable(reason) };
  return { ...fields, ...more, ...(ticket === undefined ? {} : { ticket: storable(ticket) }) };
}
