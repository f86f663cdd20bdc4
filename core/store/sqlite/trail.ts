import { auditHash, auditRoot } from '../audit-chain.ts';
import type { AuditEntry } from '../message-store.ts';
import type { Session } from './session.ts';

type Statement = ReturnType<Session['db']['prepare']>;

/** Writes the audit trail, each entry chained to the one before it. */
export class Trail {
  readonly #last: Statement;
  readonly #insert: Statement;

  constructor(session: Session) {
    this.#last = session.db.prepare('SELECT n, hash FROM audit ORDER BY n DESC LIMIT 1');
    this.#insert = session.db.prepare('INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
  }

  add(entry: AuditEntry): void {
    const last = this.#last.get() as { n: number; hash: string } | undefined;
    const n = (last?.n ?? 0) + 1;
    const { at, actor, action, subject, reason, ticket } = entry;
    const hash = auditHash(last?.hash ?? auditRoot, n, entry);
    this.#insert.run(n, at, actor, action, subject, reason, ticket ?? null, hash);
  }
}
