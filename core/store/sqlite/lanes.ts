import type { DatabaseSync } from 'node:sqlite';
import type { ErrorRecord } from '../../errors.ts';
import { isKeyOf, type Lane, type LanePart, type LaneQuery, prefixOf } from '../lane.ts';
import { queuedNames } from '../shape.ts';
import { uuidText } from '../uuid.ts';
import { parseKeys } from './part-rows.ts';
import type { Texts } from './texts.ts';

type Statement = ReturnType<DatabaseSync['prepare']>;

interface Row {
  readonly id: Uint8Array;
  readonly seq: number;
  readonly n: number;
  readonly type: string | null;
  readonly received_at: number;
  readonly status: number;
  readonly attempts: number;
  readonly keys: string | null;
  readonly queued_at: number | null;
  readonly retry_at: number | null;
  readonly error: string | null;
}

/** Keys of one destination that an identifier stands for, at most; a hospital has a handful of authorities. */
const mostKeys = 20;
const columns =
  'm.id, p.seq, p.n, s.type, m.received_at, p.status, p.attempts, p.keys, p.queued_at, p.retry_at, p.error';
const joins = 'CROSS JOIN message m ON m.channel = p.channel AND m.seq = p.seq LEFT JOIN settlement s ON s.seq = p.seq';

/** Finds the lanes of a key, where the counters say that something is queued or an open error. */
export class Lanes {
  readonly #texts: Texts;
  readonly #places: Statement;
  readonly #keys: Statement;
  readonly #count: Statement;
  readonly #parts: Statement;
  readonly #deadLetters: Statement;

  constructor(db: DatabaseSync, texts: Texts) {
    this.#texts = texts;
    this.#places = db.prepare(
      `SELECT channel, destination FROM counter WHERE destination <> 0 AND (queued > 0 OR open_errors > 0)
       ORDER BY channel, destination`,
    );
    const ofPlace = 'channel = ?1 AND destination = ?2';
    this.#keys = db.prepare(
      `SELECT key FROM part_key WHERE ${ofPlace} AND key IN ('', ?3)
       UNION SELECT key FROM part_key WHERE ${ofPlace} AND key >= ?4 AND key < ?5 LIMIT ${mostKeys}`,
    );
    this.#count = db.prepare(
      'SELECT count(*) AS count FROM part_key WHERE channel = ? AND destination = ? AND key = ?',
    );
    this.#parts = db.prepare(
      `SELECT ${columns} FROM part_key k CROSS JOIN part p ON p.id = k.part ${joins}
       WHERE k.channel = ? AND k.destination = ? AND k.key = ? ORDER BY k.seq, k.n LIMIT ?`,
    );
    // Dead letters have no index by key: their keys are looked through as text, some 100,000 of them in 0.1 s.
    this.#deadLetters = db.prepare(
      `SELECT ${columns} FROM part p INDEXED BY part_open ${joins}
       WHERE p.channel = ? AND p.destination = ? AND p.status = 4 AND instr(p.keys, ?) > 0 ORDER BY p.seq, p.n`,
    );
  }

  run({ key, channel, limit }: LaneQuery): readonly Lane[] {
    const lanes: Lane[] = [];
    for (const place of this.#places.all() as unknown as { channel: number; destination: number }[]) {
      const name = this.#texts.text(place.channel);
      if (channel !== undefined && channel !== name) continue;
      const dead = this.#deadByKey(place.channel, place.destination, key, limit);
      for (const each of new Set([...this.#queuedKeys(place.channel, place.destination, key), ...dead.keys()])) {
        const { count } = this.#count.get(place.channel, place.destination, each) as { count: number };
        const parts = this.#parts.all(place.channel, place.destination, each, limit) as unknown as Row[];
        lanes.push({
          ...{ channel: name, destination: this.#texts.text(place.destination), key: each, queued: count },
          parts: parts.map(partOf),
          deadLetters: dead.get(each) ?? [],
        });
      }
    }
    return lanes;
  }

  #queuedKeys(channel: number, destination: number, key: string): readonly string[] {
    const prefix = prefixOf(key);
    const end = prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
    const [from, to] = key === '' ? ['', ''] : [prefix, end];
    const rows = this.#keys.all(channel, destination, key, from, to) as unknown as { key: string }[];
    return rows.map((row) => row.key);
  }

  #deadByKey(channel: number, destination: number, key: string, limit: number): ReadonlyMap<string, LanePart[]> {
    const dead = new Map<string, LanePart[]>();
    const begins = JSON.stringify(key).slice(0, key === '' ? undefined : -1);
    for (const row of this.#deadLetters.iterate(channel, destination, begins)) {
      const part = partOf(row as unknown as Row);
      for (const each of part.keys) {
        if (!isKeyOf(key, each)) continue;
        const parts = dead.get(each) ?? [];
        if (parts.length < limit) dead.set(each, [...parts, part]);
      }
    }
    return dead;
  }
}

function partOf(row: Row): LanePart {
  const queued = queuedNames[row.status];
  return {
    ...{ id: uuidText(row.id), seq: row.seq, n: row.n },
    ...(row.type === null ? {} : { type: row.type }),
    ...{ receivedAt: row.received_at, attempts: row.attempts, keys: parseKeys(row.keys) },
    ...(queued ? { queued } : {}),
    ...(row.queued_at === null ? {} : { queuedAt: row.queued_at }),
    ...(row.retry_at === null ? {} : { retryAt: row.retry_at }),
    ...(row.error === null ? {} : { error: JSON.parse(row.error) as ErrorRecord }),
  };
}
