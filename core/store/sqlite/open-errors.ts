import type { DatabaseSync } from 'node:sqlite';
import type { ErrorRecord } from '../../errors.ts';
import type { OpenError, OpenErrorPage, OpenErrorQuery } from '../open-error.ts';
import { partStatus } from '../shape.ts';
import { uuidText } from '../uuid.ts';
import { parseKeys } from './part-rows.ts';
import type { Texts } from './texts.ts';

type Statement = ReturnType<DatabaseSync['prepare']>;

interface Place {
  readonly channel: number;
  readonly destination: number;
}

interface Row {
  readonly id: Uint8Array;
  readonly seq: number;
  readonly n: number;
  readonly type: string | null;
  readonly received_at: number;
  readonly attempts: number;
  readonly keys: string | null;
  readonly error: string;
}

interface Head {
  readonly seq: number;
  readonly n: number;
  readonly status: number;
}

/** Finds open errors, where the counters say that there are any. */
export class OpenErrors {
  readonly #texts: Texts;
  readonly #places: Statement;
  readonly #whole: Statement;
  readonly #parts: Statement;
  readonly #head: Statement;

  constructor(db: DatabaseSync, texts: Texts) {
    this.#texts = texts;
    this.#places = db.prepare(
      `SELECT channel, destination FROM counter WHERE open_errors > 0 AND (channel, destination) >= (?, ?)
       ORDER BY channel, destination`,
    );
    this.#whole = db.prepare(
      `SELECT m.id, m.seq, 0 AS n, s.type, m.received_at, 0 AS attempts, NULL AS keys, s.error
       FROM settlement s INDEXED BY settlement_open CROSS JOIN message m ON m.channel = ?1 AND m.seq = s.seq
       WHERE s.error IS NOT NULL AND s.resolved IS NULL AND s.seq > ?2 ORDER BY s.seq LIMIT ?3`,
    );
    this.#parts = db.prepare(
      `SELECT m.id, p.seq, p.n, s.type, m.received_at, p.attempts, p.keys, p.error
       FROM part p INDEXED BY part_open CROSS JOIN message m ON m.channel = p.channel AND m.seq = p.seq
       LEFT JOIN settlement s ON s.seq = p.seq
       WHERE p.channel = ? AND p.destination = ? AND p.status = 4 AND (p.seq, p.n) > (?, ?) ORDER BY p.seq, p.n LIMIT ?`,
    );
    this.#head = db.prepare(
      `SELECT k.seq, k.n, p.status FROM part_key k JOIN part p ON p.id = k.part
       WHERE k.channel = ? AND k.destination = ? AND k.key = ? ORDER BY k.seq, k.n LIMIT 1`,
    );
  }

  run({ channel, destination, limit, cursor = '0.0.0.0' }: OpenErrorQuery): OpenErrorPage {
    const [atChannel = 0, atDestination = 0, seq = 0, n = 0] = cursor.split('.').map(Number);
    const errors: OpenError[] = [];
    for (const place of this.#places.all(atChannel, atDestination) as unknown as Place[]) {
      const names = {
        channel: this.#texts.text(place.channel),
        destination: place.destination === 0 ? '' : this.#texts.text(place.destination),
      };
      if (channel !== undefined && channel !== names.channel) continue;
      if (destination !== undefined && destination !== names.destination) continue;
      const goesOn = place.channel === atChannel && place.destination === atDestination;
      const after = goesOn ? { seq, n } : { seq: 0, n: 0 };
      for (const row of this.#rows(place, after, limit - errors.length)) errors.push(this.#error(place, names, row));
      const last = errors.at(-1);
      if (last && errors.length === limit)
        return { errors, cursor: `${place.channel}.${place.destination}.${last.seq}.${last.n}` };
    }
    return { errors };
  }

  #rows({ channel, destination }: Place, after: { seq: number; n: number }, limit: number): readonly Row[] {
    const rows =
      destination === 0
        ? this.#whole.all(channel, after.seq, limit)
        : this.#parts.all(channel, destination, after.seq, after.n, limit);
    return rows as unknown as Row[];
  }

  #error(place: Place, names: Pick<OpenError, 'channel' | 'destination'>, row: Row): OpenError {
    return {
      ...{ id: uuidText(row.id), seq: row.seq, ...names, n: row.n },
      ...(row.type === null ? {} : { type: row.type }),
      ...{ receivedAt: row.received_at, attempts: row.attempts, error: JSON.parse(row.error) as ErrorRecord },
      holds: parseKeys(row.keys).filter((key) => this.#isHeld(place, key, row)),
    };
  }

  #isHeld({ channel, destination }: Place, key: string, by: Row): boolean {
    const head = this.#head.get(channel, destination, key) as unknown as Head | undefined;
    if (head?.status !== partStatus.blocked) return false;
    return head.seq > by.seq || (head.seq === by.seq && head.n > by.n);
  }
}
