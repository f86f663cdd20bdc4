import { storable } from '../../../clients/postgres/copy-rows.ts';
import { numbers } from '../../../clients/postgres/quote.ts';
import type { Value } from '../../../clients/postgres/session.ts';
import type { Meta } from '../../../core/format.ts';
import type { DueParts, PartPosition, QueuedPart, QueueState, Unblocked } from '../../../core/store/message-store.ts';
import { metaFromColumns } from '../../../core/store/meta-columns.ts';
import { partStatus } from '../../../core/store/shape.ts';
import type { Names } from './names.ts';
import type { Transaction } from './transaction.ts';

type Row = readonly Value[];

const columns = 'p.seq, p.n, p.attempts, p.queued_at, p.retry_at, p.keys, p.size';

/** The queue of one destination, read and changed after what was called before. */
export class Queue {
  readonly #tx: Transaction;
  readonly #destination: string;
  readonly #channel: number;
  readonly #number: number;
  readonly #place: string;
  readonly #keyPlace: string;
  /**
   * The part of a row k of part_key, by one look in its primary key. As a join the planner reads, for each row, all parts of the
   * destination, wherever the table was empty at its last vacuum: then it takes it for empty still.
   */
  readonly #partOfKey: string;
  readonly #isKnown: boolean;

  constructor(tx: Transaction, channel: string, destination: string) {
    const { names } = tx.state;
    this.#tx = tx;
    this.#destination = destination;
    this.#channel = names.known(channel);
    this.#number = names.known(destination);
    this.#place = `channel = ${this.#channel} AND destination = ${this.#number}`;
    this.#keyPlace = `k.channel = ${this.#channel} AND k.destination = ${this.#number}`;
    this.#partOfKey = `(SELECT * FROM ${tx.state.quoted}.part p
      WHERE p.seq = k.seq AND p.destination = k.destination AND p.n = k.n LIMIT 1)`;
    this.#isKnown = this.#channel > 0 && this.#number > 0;
  }

  async ready(after: PartPosition, limit: number, maxBytes: number): Promise<readonly QueuedPart[]> {
    if (!this.#isKnown) return [];
    const { quoted } = this.#tx.state;
    const rows = await this.#tx.ask(
      `SELECT ${columns} FROM ${quoted}.part p WHERE ${this.#place} AND status = 0 AND (seq, n) > ($1::int8, $2::int4)
       ORDER BY seq, n LIMIT $3`,
      [after.seq, after.n, limit],
    );
    let bytes = 0;
    const end = rows.findIndex((row) => (bytes += Number(row[6])) >= maxBytes);
    return this.#parts(end < 0 ? rows : rows.slice(0, end + 1));
  }

  async due(now: number, limit: number): Promise<DueParts> {
    if (!this.#isKnown) return { rows: [], nextRetryAt: undefined };
    const { quoted } = this.#tx.state;
    const rows = await this.#tx.ask(
      `SELECT ${columns} FROM ${quoted}.part p WHERE ${this.#place} AND status = 1 AND retry_at <= $1
       ORDER BY retry_at, seq, n LIMIT $2`,
      [now, limit],
    );
    const next = await this.#tx.ask(
      `SELECT retry_at FROM ${quoted}.part WHERE ${this.#place} AND status = 1 ORDER BY retry_at LIMIT 1 OFFSET $1`,
      [rows.length],
    );
    const [nextRetryAt] = next[0] ?? [];
    return { rows: await this.#parts(rows), nextRetryAt: nextRetryAt === undefined ? undefined : Number(nextRetryAt) };
  }

  async state(maxHeld: number): Promise<QueueState> {
    const { quoted } = this.#tx.state;
    const totals = await this.#tx.ask(
      `SELECT status, count(*), coalesce(sum(size), 0)::int8, min(queued_at), min(retry_at) FILTER (WHERE status = 1)
       FROM ${quoted}.part WHERE ${this.#place} AND status < 3 GROUP BY status`,
      [],
    );
    // Keys are jumped to in the index, so that 100,000 parts of one key cost one look.
    const held = await this.#tx.ask(
      `WITH RECURSIVE of_key AS (
         (SELECT key FROM ${quoted}.part_key WHERE ${this.#place} ORDER BY key LIMIT 1)
         UNION ALL
         SELECT (SELECT k.key FROM ${quoted}.part_key k WHERE ${this.#place} AND k.key > o.key ORDER BY k.key LIMIT 1)
         FROM of_key o WHERE o.key IS NOT NULL)
       SELECT o.key, h.seq, h.n FROM of_key o
       CROSS JOIN LATERAL (SELECT seq, n FROM ${quoted}.part_key k WHERE ${this.#place} AND k.key = o.key ORDER BY seq, n LIMIT 1) h
       WHERE o.key IS NOT NULL AND EXISTS (
         SELECT 1 FROM ${quoted}.part_key k CROSS JOIN LATERAL ${this.#partOfKey} p
         WHERE ${this.#keyPlace} AND k.key = o.key AND p.status IN (1, 2))
       LIMIT $1`,
      [maxHeld],
    );
    const of = (status: number) => totals.find(([is]) => Number(is) === status);
    const count = (status: number) => Number(of(status)?.[1] ?? 0);
    const nextRetryAt = of(partStatus.waiting)?.[4] ?? null;
    return {
      ...{ ready: count(0), waiting: count(1), blocked: count(2) },
      bytes: totals.reduce((sum, row) => sum + Number(row[2]), 0),
      ...(totals.length > 0 ? { oldest: Math.min(...totals.map((row) => Number(row[3]))) } : {}),
      ...(nextRetryAt === null ? {} : { nextRetryAt: Number(nextRetryAt) }),
      held: held.map(([key, seq, n]) => ({ key: String(key), head: { seq: Number(seq), n: Number(n) } })),
    };
  }

  /** Makes blocked parts of a key ready, lowest first, while nothing before them holds one of their keys. */
  async unblock(key: string, limit: number): Promise<Unblocked> {
    const { quoted } = this.#tx.state;
    const held = (of: string) => `FROM ${quoted}.part_key k CROSS JOIN LATERAL ${this.#partOfKey} p
      WHERE ${this.#keyPlace} AND k.key = ${of} AND p.status IN (1, 2)`;
    const rows = await this.#tx.ask(
      `SELECT k.seq, k.n, p.status, p.keys ${held('$1')} ORDER BY k.seq, k.n LIMIT $2 FOR UPDATE OF p`,
      [storable(key), limit],
    );
    const parts: PartPosition[] = [];
    const keys = new Set<string>();
    const freed = new Set<string>();
    for (const [seqValue, nValue, status, text] of rows) {
      const [seq, n] = [Number(seqValue), Number(nValue)];
      if (Number(status) === partStatus.waiting) break;
      const all = JSON.parse(String(text)) as string[];
      const others = all.filter((other) => other !== key);
      if (others.length > 0 && (await this.#isHeld(others, { seq, n }, freed))) break;
      parts.push({ seq, n });
      freed.add(`${seq}/${n}`);
      for (const each of all) keys.add(each);
    }
    if (parts.length > 0) {
      this.#tx.write(
        `UPDATE ${quoted}.part SET status = 0 WHERE ctid = ANY (ARRAY(
           SELECT p.at FROM (VALUES ${parts.map(({ seq, n }) => `(${seq}::int8, ${n})`).join(',')}) v (seq, n)
           CROSS JOIN LATERAL (SELECT p.ctid AS at FROM ${quoted}.part p
             WHERE p.seq = v.seq AND p.destination = ${this.#number} AND p.n = v.n LIMIT 1) p))`,
      );
    }
    const [next] = await this.#tx.ask(`SELECT k.seq, k.n ${held('$1')} ORDER BY k.seq, k.n LIMIT 1`, [storable(key)]);
    return {
      ...{ parts, keys: [...keys] },
      ...(next && { next: { seq: Number(next[0]), n: Number(next[1]) } }),
    };
  }

  /** Whether a waiting or blocked part that is not among `freed` stands before this one in one of the keys. */
  async #isHeld(keys: readonly string[], { seq, n }: PartPosition, freed: ReadonlySet<string>): Promise<boolean> {
    const { quoted } = this.#tx.state;
    const rows = await this.#tx.ask(
      `SELECT k.seq, k.n FROM ${quoted}.part_key k CROSS JOIN LATERAL ${this.#partOfKey} p
       WHERE ${this.#keyPlace} AND k.key = ANY($1) AND (k.seq, k.n) < ($2::int8, $3::int4)
         AND p.status IN (1, 2) ORDER BY k.seq, k.n LIMIT $4`,
      [keys.map(storable), seq, n, freed.size + 1],
    );
    return rows.some(([of, at]) => !freed.has(`${Number(of)}/${Number(at)}`));
  }

  /** The rows of the queue with their messages and frozen bytes. */
  async #parts(rows: readonly Row[]): Promise<readonly QueuedPart[]> {
    if (rows.length === 0) return [];
    const { names, quoted } = this.#tx.state;
    const seqs = numbers([...new Set(rows.map(([seq]) => Number(seq)))], 'int8');
    const messages = new Map<number, Row>();
    const found = await this.#tx.ask(
      `SELECT m.seq, m.id, m.received_at, m.replay_of, m.meta_fields, m.meta, s.version, s.meta_fields, s.meta
       FROM ${quoted}.message m JOIN ${quoted}.settlement s ON s.seq = m.seq
       WHERE m.channel = ${this.#channel} AND m.seq = ANY(${seqs}) AND s.seq = ANY(${seqs})`,
      [],
    );
    for (const row of found) messages.set(Number(row[0]), row);
    const places = rows.map(([seq, n]) => `(${Number(seq)}::int8, ${Number(n)})`).join(',');
    const contents = new Map<string, Uint8Array>();
    const frozen = await this.#tx.ask(
      `SELECT seq, n, bytes FROM ${quoted}.part_content
       WHERE destination = ${this.#number} AND (seq, n) IN (VALUES ${places}) AND bytes IS NOT NULL`,
      [],
    );
    for (const [seq, n, bytes] of frozen) contents.set(`${Number(seq)}/${Number(n)}`, bytes as Uint8Array);
    return rows.flatMap((row) => {
      const [seq, n] = [Number(row[0]), Number(row[1])];
      const message = messages.get(seq);
      return message ? [this.#part(names, row, message, contents.get(`${seq}/${n}`))] : [];
    });
  }

  #part(names: Names, row: Row, message: Row, bytes: Uint8Array | undefined): QueuedPart {
    const [, id, receivedAt, replayOf, fields, meta, version, settledFields, settledMeta] = message;
    return {
      destination: this.#destination,
      ...{ seq: Number(row[0]), n: Number(row[1]), id: String(id), receivedAt: Number(receivedAt) },
      version: names.text(Number(version)),
      ...(replayOf ? { replayOf: String(replayOf) } : {}),
      meta: { ...metaOf(names, fields, meta), ...metaOf(names, settledFields, settledMeta) },
      keys: row[5] ? (JSON.parse(String(row[5])) as string[]) : [],
      ...{ attempts: Number(row[2]), firstQueuedAt: Number(row[3]) },
      ...(row[4] === null ? {} : { retryAt: Number(row[4]) }),
      bytes: bytes ?? new Uint8Array(0),
    };
  }
}

export function metaOf(names: Names, fields: Value | undefined, values: Value | undefined): Meta | undefined {
  if (values === null || values === undefined) return undefined;
  return metaFromColumns(
    fields === null || fields === undefined ? undefined : names.text(Number(fields)),
    String(values),
  );
}
