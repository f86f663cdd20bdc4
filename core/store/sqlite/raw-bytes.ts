import type { DatabaseSync } from 'node:sqlite';
import { type Attachment, attach } from '../attachments.ts';

/** Reads the raw bytes of messages, attachments put back. */
export class RawBytes {
  readonly #raw: ReturnType<DatabaseSync['prepare']>;
  readonly #attachments: ReturnType<DatabaseSync['prepare']>;

  constructor(db: DatabaseSync) {
    this.#raw = db.prepare('SELECT bytes FROM raw WHERE seq = ?');
    this.#attachments = db.prepare('SELECT start, bytes FROM attachment WHERE seq = ? ORDER BY start');
  }

  /** Undefined where the content level or pruning left none. */
  of(seq: number, attached: boolean): Uint8Array | undefined {
    const row = this.#raw.get(seq) as { bytes: Uint8Array } | undefined;
    if (!row) return undefined;
    return attached ? attach(row.bytes, this.#attachments.all(seq) as unknown as Attachment[]) : row.bytes;
  }
}
