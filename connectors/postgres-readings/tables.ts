import { identifier, literal } from '../../clients/postgres/quote.ts';
import type { PostgresSession } from '../../clients/postgres/session.ts';
import type { Log } from '../../core/component.ts';
import { HubError } from '../../core/errors.ts';
import type { ReadingsConfig } from './config.ts';
import { dayMs, dayOf, nameOfDay, partitionOf } from './days.ts';
import { migrations, partitioned } from './migrations.ts';

/** So long a change of partitions waits for its lock, and everybody behind it. */
const lockMs = 1_000;
const minutesAtOnce = 5;
/** A minute is rolled up when its readings are likely in; what comes later is added. */
const rollAfterMs = 10_000;

/** The tables of one schema: made, made room in for the days to come, cleared of those that are over, and rolled up by minutes. */
export class ReadingTables {
  readonly #config: ReadingsConfig;
  readonly #log: Log;
  readonly #schema: string;
  readonly #days = new Set<number>();
  /** Tables that PostgreSQL itself has partitioned; a hypertable of TimescaleDB looks after itself. */
  #native = true;

  constructor(config: ReadingsConfig, log: Log) {
    this.#config = config;
    this.#log = log;
    this.#schema = identifier(config.schema);
  }

  /** Resolves when there are tables with room for today. Throws HubError `config-invalid` where there are none and none may be made. */
  async open(session: PostgresSession, now: number): Promise<void> {
    if (this.#config.createTables) await this.#migrate(session);
    const rows = await session.ask('SELECT relkind::text FROM pg_class WHERE oid = to_regclass($1)', [
      `${this.#schema}.reading`,
    ]);
    const [[kind] = []] = rows;
    if (kind === undefined) {
      const what = `there is no table ${this.#config.schema}.reading; createTables makes it`;
      throw new HubError('config-invalid', 'transient', `writing readings: ${what}`, { scope: 'destination' });
    }
    this.#native = kind === 'p';
    this.#days.clear();
    const today = dayOf(now);
    await this.makeRoom(
      session,
      Array.from({ length: this.#config.aheadDays + 1 }, (_, ahead) => today + ahead),
    );
  }

  /** Partitions for these days, where there are none. */
  async makeRoom(session: PostgresSession, days: Iterable<number>): Promise<void> {
    const missing = [...days].filter((day) => !this.#days.has(day)).toSorted((a, b) => a - b);
    if (this.#native && this.#config.createTables)
      for (const day of missing) for (const { table } of partitioned) await this.#partition(session, table, day);
    for (const day of missing) this.#days.add(day);
  }

  /** Room for the days to come; days that are over go. Resolves with the names of partitions that went. */
  async tidy(session: PostgresSession, now: number): Promise<readonly string[]> {
    if (!this.#native || !this.#config.createTables) return [];
    const today = dayOf(now);
    await this.makeRoom(
      session,
      Array.from({ length: this.#config.aheadDays + 1 }, (_, ahead) => today + ahead),
    );
    const gone: string[] = [];
    for (const { table, isRollup } of partitioned) {
      const days = isRollup ? this.#config.keepRollupDays : this.#config.keepDays;
      // By the clock of the database: one of a hub that is wrong must not drop a day.
      const rows = await session.ask(
        `SELECT c.relname FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
         WHERE i.inhparent = to_regclass($1) AND c.relname ~ ('^' || $2 || '_[0-9]{8}$')
           AND to_date(right(c.relname, 8), 'YYYYMMDD') < (now() AT TIME ZONE 'UTC')::date - $3::int ORDER BY 1`,
        [`${this.#schema}.${table}`, table, days],
      );
      for (const [name] of rows) {
        await this.#locked(session, [`DROP TABLE ${this.#schema}.${identifier(String(name))}`]);
        gone.push(String(name));
      }
    }
    if (gone.length > 0)
      this.#log.info({ partitions: gone.length, first: gone[0] }, 'readings past their time are gone');
    return gone;
  }

  /**
   * Rolls up some minutes of which readings were written since they were last; resolves with how many. Whoever else rolls up or
   * writes to one of them waits for it, or is waited for. `latest` is mended where a hub ended before it had written it.
   */
  async roll(session: PostgresSession): Promise<number> {
    const schema = this.#schema;
    const rows = await session.ask(
      `SELECT extract(epoch FROM minute)::bigint FROM ${schema}.unrolled
       WHERE minute < now() - make_interval(secs => ${(60_000 + rollAfterMs) / 1_000}) ORDER BY minute LIMIT ${minutesAtOnce}`,
    );
    for (const [seconds] of rows) {
      const minute = `to_timestamp(${Number(seconds)})`;
      const range = `ts >= ${minute} AND ts < ${minute} + interval '1 minute'`;
      // A statement of its own: whoever writes holds rows of `latest` and the mark of the minute, in whatever order.
      await session.ask(
        `WITH last AS (SELECT series_id, max(ts) AS ts FROM ${schema}.reading WHERE ${range} GROUP BY series_id)
         INSERT INTO ${schema}.latest AS l (ts, value, series_id, q)
         SELECT r.ts, r.value, r.series_id, r.q FROM last LEFT JOIN ${schema}.latest AS known USING (series_id)
         JOIN ${schema}.reading AS r ON r.series_id = last.series_id AND r.ts = last.ts
         WHERE known.ts IS NULL OR known.ts < last.ts ORDER BY r.series_id
         ON CONFLICT (series_id) DO UPDATE SET ts = excluded.ts, value = excluded.value, q = excluded.q, state = NULL
         WHERE l.ts < excluded.ts`,
      );
      await session.run([
        { text: 'BEGIN' },
        { text: `DELETE FROM ${schema}.unrolled WHERE minute = ${minute}` },
        {
          text: `INSERT INTO ${schema}.reading_minute AS m (minute, min, max, sum, series_id, n)
            SELECT ${minute}, min(value), max(value), sum(value), series_id, count(value)
            FROM ${schema}.reading WHERE ${range} AND value IS NOT NULL GROUP BY series_id ORDER BY series_id
            ON CONFLICT (series_id, minute) DO UPDATE
            SET min = excluded.min, max = excluded.max, sum = excluded.sum, n = excluded.n WHERE m.n <> excluded.n`,
        },
        { text: 'COMMIT' },
      ]);
    }
    return rows.length;
  }

  async #partition(session: PostgresSession, table: string, day: number): Promise<void> {
    const name = identifier(partitionOf(table, day));
    const parent = `${this.#schema}.${identifier(table)}`;
    const [[there] = []] = await session.ask('SELECT to_regclass($1) IS NOT NULL', [`${this.#schema}.${name}`]);
    if (there === true) return;
    const [from, to] = [nameOfDay(day), nameOfDay(day + 1)].map((each) => literal(`${each} 00:00:00+00`));
    // Made apart and attached: writers of other days go on meanwhile.
    await this.#locked(session, [
      `CREATE TABLE IF NOT EXISTS ${this.#schema}.${name} (LIKE ${parent} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)`,
      `ALTER TABLE ${parent} ATTACH PARTITION ${this.#schema}.${name} FOR VALUES FROM (${from}) TO (${to})`,
    ]).catch((thrown: unknown) => {
      // Another hub has just made it: it is a partition already, or overlaps with itself.
      if (!['42P17', '42809', '42P07', '23505'].includes(String((thrown as { readonly code?: unknown }).code)))
        throw thrown;
    });
  }

  async #locked(session: PostgresSession, texts: readonly string[]): Promise<void> {
    const all = ['BEGIN', `SET LOCAL lock_timeout = ${lockMs}`, ...texts, 'COMMIT'];
    try {
      await session.run(all.map((text) => ({ text })));
    } catch (thrown) {
      if (session.usable) await session.ask('ROLLBACK');
      throw thrown;
    }
  }

  async #migrate(session: PostgresSession): Promise<void> {
    const schema = this.#schema;
    const [[known] = []] = await session.ask('SELECT to_regclass($1) IS NOT NULL', [`${schema}.version`]);
    if (known === true) {
      const [[version] = []] = await session.ask(`SELECT max(version) FROM ${schema}.version`);
      if (Number(version) === migrations.length) return;
    }
    try {
      await session.ask('BEGIN');
      await session.ask('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [
        `weir readings ${this.#config.schema}`,
      ]);
      await session.ask(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
      await session.ask(`CREATE TABLE IF NOT EXISTS ${schema}.version (version int PRIMARY KEY)`);
      const [[version] = []] = await session.ask(`SELECT coalesce(max(version), 0) FROM ${schema}.version`);
      for (const [index, migration] of migrations.entries()) {
        if (index < Number(version)) continue;
        await session.run([{ text: migration.replaceAll('$', schema) }]);
        await session.ask(`INSERT INTO ${schema}.version VALUES ($1)`, [index + 1]);
      }
      await session.ask('COMMIT');
    } catch (thrown) {
      if (session.usable) await session.ask('ROLLBACK').catch(() => session.destroy());
      throw thrown;
    }
  }
}

/** Milliseconds since 1970 of the beginning of the day before which nothing is kept. */
export function oldestKept(now: number, keepDays: number): number {
  return (dayOf(now) - keepDays) * dayMs;
}
