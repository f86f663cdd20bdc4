import type { PostgresSession } from '../../../clients/postgres/session.ts';

const everyMs = 60_000;

/**
 * What the tables take on disk. Those of partitions that get no more messages are measured once a minute: of 400 it takes 70 ms, for
 * the server looks at each of their files, and a hub asks every second.
 */
export class TableSizes {
  readonly #schema: string;
  readonly #quoted: string;
  #ended = { at: Number.NEGATIVE_INFINITY, before: 0, bytes: 0 };

  constructor(schema: string, quoted: string) {
    this.#schema = schema;
    this.#quoted = quoted;
  }

  /** Something was deleted from any of them. */
  forget(): void {
    this.#ended = { ...this.#ended, at: Number.NEGATIVE_INFINITY };
  }

  /** In bytes. */
  async measure(session: PostgresSession): Promise<number> {
    if (performance.now() - this.#ended.at > everyMs) {
      const open = `SELECT coalesce(min(slot), 0) FROM ${this.#quoted}.slot WHERE ended_at IS NULL`;
      const before = Number((await session.ask(open))[0]?.[0]);
      this.#ended = { at: performance.now(), before, bytes: await this.#sum(session, 'slot < $2', before) };
    }
    const { before, bytes } = this.#ended;
    return bytes + (await this.#sum(session, '(slot >= $2) IS NOT FALSE', before));
  }

  /** A partition is named for its slot. */
  async #sum(session: PostgresSession, where: string, before: number): Promise<number> {
    const [row] = await session.ask(
      `SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::int8 FROM (
         SELECT c.oid, CASE WHEN c.relispartition THEN substring(c.relname FROM '_([0-9]+)$')::int8 END AS slot
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind = 'r') tables
       WHERE ${where}`,
      [this.#schema, before],
    );
    return Number(row?.[0]);
  }
}
