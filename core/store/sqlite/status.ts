import type { MessageStatus } from '../message-store.ts';
import { partStatusName } from '../shape.ts';
import { standing } from '../standing.ts';
import type { Session } from './session.ts';

/** How a stored message stands, as the answer to its duplicate says it. */
export class Status {
  readonly #session: Session;
  readonly #settlement: ReturnType<Session['db']['prepare']>;
  readonly #parts: ReturnType<Session['db']['prepare']>;

  constructor(session: Session) {
    this.#session = session;
    this.#settlement = session.db.prepare('SELECT shape, error IS NOT NULL AS failed FROM settlement WHERE seq = ?');
    this.#parts = session.db.prepare('SELECT status FROM part WHERE seq = ?');
  }

  of(seq: number): MessageStatus {
    const row = this.#settlement.get(seq) as { shape: number | string | null; failed: number } | undefined;
    if (!row) return 'received';
    const plain = row.shape === null ? [] : this.#session.shape(row.shape);
    const detailed = this.#parts.all(seq) as unknown as { status: number }[];
    return standing(row.failed === 1, [
      ...plain.flatMap(({ status }) => (status === 'detailed' ? [] : [{ status }])),
      ...detailed.map(({ status }) => ({ status: partStatusName(status) })),
    ]);
  }
}
