import { storable } from '../../../clients/postgres/copy-rows.ts';
import type { PostgresSession, Value } from '../../../clients/postgres/session.ts';
import { isKeyOf, type Lane, type LanePart, type LaneQuery, prefixOf } from '../../../core/store/lane.ts';
import type { OpenError, OpenErrorPage, OpenErrorQuery } from '../../../core/store/open-error.ts';
import { partStatus, queuedNames } from '../../../core/store/shape.ts';
import type { Names } from './names.ts';
import { errorsOf } from './summaries.ts';

/** Keys of one destination that an identifier stands for, at most; a hospital has a handful of authorities. */
const mostKeys = 20;
const none = { seq: 0, n: 0 };

type Row = readonly Value[];

/** Finds open errors and lanes, where the counters say that there are any. */
export class Triage {
  readonly #session: PostgresSession;
  readonly #quoted: string;
  readonly #names: Names;

  constructor(session: PostgresSession, quoted: string, names: Names) {
    this.#session = session;
    this.#quoted = quoted;
    this.#names = names;
  }

  async openErrors({ channel, destination, limit, cursor = '0.0.0.0' }: OpenErrorQuery): Promise<OpenErrorPage> {
    const [atChannel = 0, atDestination = 0, seq = 0, n = 0] = cursor.split('.').map(Number);
    const errors: OpenError[] = [];
    const places = await this.#session.ask(
      `SELECT channel, destination FROM ${this.#quoted}.counter WHERE (channel, destination) >= ($1::int4, $2::int4)
       GROUP BY channel, destination HAVING sum(open_errors) > 0 ORDER BY channel, destination`,
      [atChannel, atDestination],
    );
    for (const [ofChannel, ofDestination] of places) {
      const place = { channel: Number(ofChannel), destination: Number(ofDestination) };
      const names = {
        channel: this.#names.text(place.channel),
        destination: place.destination === 0 ? '' : this.#names.text(place.destination),
      };
      if (channel !== undefined && channel !== names.channel) continue;
      if (destination !== undefined && destination !== names.destination) continue;
      const goesOn = place.channel === atChannel && place.destination === atDestination;
      const rows = await this.#open(place, goesOn ? { seq, n } : none, limit - errors.length);
      for (const row of rows) errors.push(await this.#error(place, names, row));
      const last = errors.at(-1);
      if (last && errors.length === limit)
        return { errors, cursor: `${place.channel}.${place.destination}.${last.seq}.${last.n}` };
    }
    return { errors };
  }

  async lanes({ key: asked, channel, limit }: LaneQuery): Promise<readonly Lane[]> {
    const key = storable(asked);
    const lanes: Lane[] = [];
    const places = await this.#session.ask(
      `SELECT channel, destination FROM ${this.#quoted}.counter WHERE destination <> 0 GROUP BY channel, destination
       HAVING sum(queued) > 0 OR sum(open_errors) > 0 ORDER BY channel, destination`,
    );
    for (const [ofChannel, ofDestination] of places) {
      const place = { channel: Number(ofChannel), destination: Number(ofDestination) };
      const name = this.#names.text(place.channel);
      if (channel !== undefined && channel !== name) continue;
      const dead = await this.#deadByKey(place, key, limit);
      for (const each of new Set([...(await this.#queuedKeys(place, key)), ...dead.keys()])) {
        const { count, parts } = await this.#lane(place, each, limit);
        lanes.push({
          ...{ channel: name, destination: this.#names.text(place.destination), key: each, queued: count, parts },
          deadLetters: dead.get(each) ?? [],
        });
      }
    }
    return lanes;
  }

  #open({ channel, destination }: Place, after: typeof none, limit: number): Promise<readonly Row[]> {
    const q = this.#quoted;
    if (destination === 0) {
      return this.#session.ask(
        `SELECT m.id, s.seq, 0, s.type, m.received_at, 0, NULL, s.error FROM ${q}.settlement s
         JOIN ${q}.message m ON m.channel = s.channel AND m.seq = s.seq
         WHERE s.channel = $1 AND s.error IS NOT NULL AND s.resolved IS NULL AND s.seq > $2 ORDER BY s.seq LIMIT $3`,
        [channel, after.seq, limit],
      );
    }
    return this.#session.ask(
      `SELECT m.id, p.seq, p.n, s.type, m.received_at, p.attempts, p.keys, p.error FROM ${q}.part p
       JOIN ${q}.message m ON m.channel = p.channel AND m.seq = p.seq LEFT JOIN ${q}.settlement s ON s.seq = p.seq
       WHERE p.channel = $1 AND p.destination = $2 AND p.status = 4 AND (p.seq, p.n) > ($3::int8, $4::int4)
       ORDER BY p.seq, p.n LIMIT $5`,
      [channel, destination, after.seq, after.n, limit],
    );
  }

  async #error(place: Place, names: Pick<OpenError, 'channel' | 'destination'>, row: Row): Promise<OpenError> {
    const [id, seq, n, type, receivedAt, attempts, keys, error = null] = row;
    const at = { seq: Number(seq), n: Number(n) };
    const holds: string[] = [];
    for (const key of keysOf(keys)) if (await this.#isHeld(place, key, at)) holds.push(key);
    return {
      ...{ id: String(id), ...at, ...names },
      ...(type === null ? {} : { type: String(type) }),
      ...{ receivedAt: Number(receivedAt), attempts: Number(attempts), holds },
      error: errorsOf(error, null).error!,
    };
  }

  async #isHeld({ channel, destination }: Place, key: string, by: typeof none): Promise<boolean> {
    const [head] = await this.#session.ask(
      `SELECT k.seq, k.n, p.status FROM ${this.#quoted}.part_key k JOIN ${this.#quoted}.part p USING (seq, n, destination)
       WHERE k.channel = $1 AND k.destination = $2 AND k.key = $3 ORDER BY k.seq, k.n LIMIT 1`,
      [channel, destination, storable(key)],
    );
    if (!head || Number(head[2]) !== partStatus.blocked) return false;
    const [seq, n] = [Number(head[0]), Number(head[1])];
    return seq > by.seq || (seq === by.seq && n > by.n);
  }

  async #queuedKeys({ channel, destination }: Place, key: string): Promise<readonly string[]> {
    const prefix = prefixOf(key);
    const end = prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
    const [from, to] = key === '' ? ['', ''] : [prefix, end];
    const rows = await this.#session.ask(
      `SELECT DISTINCT key FROM ${this.#quoted}.part_key
       WHERE channel = $1 AND destination = $2 AND (key IN ('', $3) OR key >= $4 AND key < $5) ORDER BY key LIMIT ${mostKeys}`,
      [channel, destination, key, from, to],
    );
    return rows.map(([each]) => String(each));
  }

  async #lane(
    { channel, destination }: Place,
    key: string,
    limit: number,
  ): Promise<{ readonly count: number; readonly parts: readonly LanePart[] }> {
    const those = 'channel = $1 AND destination = $2 AND key = $3';
    const [count] = await this.#session.ask(`SELECT count(*) FROM ${this.#quoted}.part_key WHERE ${those}`, [
      ...[channel, destination, key],
    ]);
    const rows = await this.#session.ask(
      `SELECT ${partColumns} FROM (SELECT * FROM ${this.#quoted}.part_key WHERE ${those} ORDER BY seq, n LIMIT $4) k
       JOIN ${this.#quoted}.part p USING (seq, n, destination) ${this.#messages} ORDER BY p.seq, p.n`,
      [channel, destination, key, limit],
    );
    return { count: Number(count?.[0]), parts: rows.map(lanePart) };
  }

  /** Dead letters have no index by key: their keys are looked through as text. */
  async #deadByKey(
    { channel, destination }: Place,
    key: string,
    limit: number,
  ): Promise<ReadonlyMap<string, LanePart[]>> {
    const dead = new Map<string, LanePart[]>();
    const begins = JSON.stringify(key).slice(0, key === '' ? undefined : -1);
    const rows = await this.#session.ask(
      `SELECT ${partColumns} FROM ${this.#quoted}.part p ${this.#messages}
       WHERE p.channel = $1 AND p.destination = $2 AND p.status = 4 AND strpos(p.keys, $3) > 0 ORDER BY p.seq, p.n LIMIT $4`,
      [channel, destination, begins, limit * mostKeys],
    );
    for (const part of rows.map(lanePart)) {
      for (const each of part.keys) {
        if (!isKeyOf(key, each)) continue;
        const parts = dead.get(each) ?? [];
        if (parts.length < limit) dead.set(each, [...parts, part]);
      }
    }
    return dead;
  }

  get #messages(): string {
    return `JOIN ${this.#quoted}.message m ON m.channel = p.channel AND m.seq = p.seq
      LEFT JOIN ${this.#quoted}.settlement s ON s.seq = p.seq`;
  }
}

interface Place {
  readonly channel: number;
  readonly destination: number;
}

const partColumns =
  'm.id, p.seq, p.n, s.type, m.received_at, p.status, p.attempts, p.keys, p.queued_at, p.retry_at, p.error';

function keysOf(keys: Value | undefined): readonly string[] {
  return typeof keys === 'string' ? (JSON.parse(keys) as string[]) : [];
}

function lanePart(row: Row): LanePart {
  const [id, seq, n, type, receivedAt, status, attempts, keys, queuedAt, retryAt, error = null] = row;
  const queued = queuedNames[Number(status)];
  return {
    ...{ id: String(id), seq: Number(seq), n: Number(n) },
    ...(type === null ? {} : { type: String(type) }),
    ...{ receivedAt: Number(receivedAt), attempts: Number(attempts), keys: keysOf(keys) },
    ...(queued ? { queued } : {}),
    ...(queuedAt === null ? {} : { queuedAt: Number(queuedAt) }),
    ...(retryAt === null ? {} : { retryAt: Number(retryAt) }),
    ...errorsOf(error, null),
  };
}
