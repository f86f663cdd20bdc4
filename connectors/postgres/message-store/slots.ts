import type { PostgresSession } from '../../../clients/postgres/session.ts';
import type { LocalDays } from '../../../core/store/local-days.ts';
import { connected } from './opening.ts';
import type { Settings } from './options.ts';
import { partitionStatements, slotOf, slotSpan } from './schema.ts';

/** Of what makes and drops partitions. */
const lockClass = 0x77_65_69_73;

/** The partitions: made ahead, and begun anew with each day. Works on connections of its own, beside the writer. */
export class Slots {
  readonly #settings: Settings;
  readonly #quoted: string;
  readonly #days: LocalDays;
  readonly #lz4: boolean;
  readonly #there = new Set<number>();

  constructor(settings: Settings, quoted: string, days: LocalDays, lz4: boolean) {
    this.#settings = settings;
    this.#quoted = quoted;
    this.#days = days;
    this.#lz4 = lz4;
  }

  /** Makes the partitions of a slot and of the next, where they are not there. */
  async ensure(slot: number): Promise<void> {
    if (this.#there.has(slot)) return;
    await this.#locked(async (session) => {
      for (const each of [slot, slot + 1]) await this.#make(session, each);
      await this.#begin(session, slot);
    });
    this.#there.add(slot);
  }

  /** Begins the next slot where the current one was begun on an earlier day. Resolves with the current one. */
  async rotate(): Promise<number> {
    return await this.#locked(async (session) => {
      const now = this.#settings.now();
      const [last] = await session.ask(`SELECT last_value FROM ${this.#quoted}.seq`);
      const current = slotOf(Number(last?.[0]));
      await this.#make(session, current);
      await this.#begin(session, current);
      const [row] = await session.ask(`SELECT begun_at FROM ${this.#quoted}.slot WHERE slot = $1`, [current]);
      const next = current + 1;
      await this.#make(session, next);
      this.#there.add(current);
      if (this.#days.of(Number(row?.[0])) >= this.#days.of(now)) return current;
      await this.#make(session, next + 1);
      await this.#begin(session, next);
      await session.ask(`SELECT setval('${this.#quoted}.seq', $1)`, [next * slotSpan]);
      this.#there.add(next);
      return next;
    });
  }

  /** Its first message comes now; those before it get no more. */
  async #begin(session: PostgresSession, slot: number): Promise<void> {
    const now = Math.trunc(this.#settings.now());
    await session.ask(`UPDATE ${this.#quoted}.slot SET begun_at = $2 WHERE slot = $1 AND begun_at IS NULL`, [
      slot,
      now,
    ]);
    await session.ask(`UPDATE ${this.#quoted}.slot SET ended_at = $2 WHERE slot < $1 AND ended_at IS NULL`, [
      slot,
      now,
    ]);
  }

  async #make(session: PostgresSession, slot: number): Promise<void> {
    const [found] = await session.ask('SELECT to_regclass($1)', [`${this.#quoted}.contents_${slot}`]);
    if (found?.[0] !== null) return;
    const row = `INSERT INTO ${this.#quoted}.slot (slot) VALUES (${slot}) ON CONFLICT DO NOTHING`;
    for (const text of [...partitionStatements(this.#quoted, slot, this.#lz4), row]) await session.ask(text);
  }

  /** In a transaction that no other hub has at the same time. */
  async #locked<T>(work: (session: PostgresSession) => Promise<T>): Promise<T> {
    const session = await connected(this.#settings);
    try {
      await session.ask('BEGIN');
      await session.ask('SELECT pg_advisory_xact_lock($1, hashtext($2))', [lockClass, this.#quoted]);
      const result = await work(session);
      await session.ask('COMMIT');
      return result;
    } finally {
      await session.close();
    }
  }
}
