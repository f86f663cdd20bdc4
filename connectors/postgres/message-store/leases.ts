import { literal, numbers, texts } from '../../../clients/postgres/quote.ts';
import type { PostgresSession } from '../../../clients/postgres/session.ts';
import type { Fence, Leases, LeaseTable, LeaseTaken } from '../../../core/store/leases.ts';
import type { Names } from './names.ts';
import { applicationName } from './opening.ts';
import type { Settings } from './options.ts';
import { Readers } from './readers.ts';

/** A lease is over when the database does not answer for so long: there is no use in waiting longer. */
const answerMs = 3_000;
/** A commit under the lease is over by then, or its hub has stopped in the midst of it. Renewals wait behind it. */
const lockMs = 500;
const lockNotHad = '55P03';

/** Leases as rows, timed by the database's clock. On a connection of their own, so that no commit and no reader holds up a renewal. */
export class PostgresLeases implements Leases {
  readonly #quoted: string;
  readonly #hub: string;
  readonly #opening: number;
  readonly #connection: Readers;
  readonly #names: Names;
  #held: ReadonlySet<string> = new Set();

  /** `opening` is the epoch of this opening of the store. */
  constructor(settings: Settings, quoted: string, opening: number, names: Names) {
    this.#names = names;
    this.#quoted = quoted;
    this.#hub = settings.hub;
    this.#opening = opening;
    this.#connection = new Readers({
      ...settings,
      readers: 1,
      patienceMs: answerMs,
      answerTimeoutMs: answerMs,
      connectTimeoutMs: Math.min(settings.connectTimeoutMs, answerMs),
    });
  }

  /** Whether this opening has it, as far as it was told. */
  has(lease: string): boolean {
    return this.#held.has(lease);
  }

  async renew(held: readonly Fence[], ttlMs: number): Promise<LeaseTable> {
    const names = texts(held.map(({ lease }) => lease));
    const epochs = numbers(
      held.map(({ epoch }) => epoch),
      'int8',
    );
    const renewed = `${literal(this.#hub)}, ${this.#opening}, ${names}, ${epochs}, ${Math.trunc(ttlMs)}`;
    const [, hubs = [], rows = []] = await this.#connection.read((session) =>
      session.run(
        [
          `SELECT ${this.#quoted}.renew_leases(${renewed})`,
          `SELECT hub FROM ${this.#quoted}.alive WHERE ends > clock_timestamp() ORDER BY hub COLLATE "C"`,
          `SELECT l.name, l.hub, l.opening, l.epoch, extract(epoch FROM clock_timestamp() - e.ends) * 1000
             FROM ${this.#quoted}.lease l JOIN ${this.#quoted}.lease_end e USING (name) ORDER BY l.name`,
        ].map((text) => ({ text })),
      ),
    );
    const leases = rows.map(([name, hub, opening, epoch, ended]) => ({
      ...{ name: name ?? '', hub: hub ?? undefined, epoch: Number(epoch), endedMs: Number(ended) },
      mine: hub !== null && Number(opening) === this.#opening,
    }));
    this.#held = new Set(leases.filter(({ mine }) => mine).map(({ name }) => name));
    return { hubs: hubs.map(([hub]) => hub ?? ''), leases };
  }

  async take(name: string, ttlMs: number, graceMs: number): Promise<LeaseTaken | undefined> {
    const row = await this.#connection.read(async (session) => {
      let taken = await this.#taken(session, name, ttlMs, graceMs);
      if (taken === 'locked' && (await this.#endStopped(session, name, graceMs)))
        taken = await this.#taken(session, name, ttlMs, graceMs);
      if (taken === 'locked') return undefined;
      // Destinations and versions of whoever had it before.
      if (taken) await this.#names.read(session);
      return taken;
    });
    if (!row) return undefined;
    this.#held = new Set([...this.#held, name]);
    return { epoch: Number(row[0]), clean: row[1] === 't', ended: row[2] === 't' };
  }

  /** `locked` where a transaction under the lease has not ended in time. */
  async #taken(session: PostgresSession, name: string, ttlMs: number, graceMs: number) {
    const [lease, hub, opening] = [literal(name), literal(this.#hub), this.#opening];
    // What stands in the row of the lease is what stood there when the statement began.
    const take = `SELECT o_epoch, o_clean, EXISTS (SELECT FROM ${this.#quoted}.lease l WHERE l.name = ${lease} AND (
        l.hub = ${hub} AND l.opening <> ${opening}
        OR EXISTS (SELECT FROM ${this.#quoted}.alive a WHERE a.hub = l.hub AND a.opening > l.opening)))
      FROM ${this.#quoted}.take_lease(${lease}, ${hub}, ${opening}, ${Math.trunc(ttlMs)}, ${Math.trunc(graceMs)})`;
    try {
      const within = `SET LOCAL lock_timeout = ${lockMs}`;
      const answers = await session.run(['BEGIN', within, take, 'COMMIT'].map((text) => ({ text })));
      return answers[2]?.[0];
    } catch (thrown) {
      if (!session.usable || (thrown as { code?: string }).code !== lockNotHad) throw thrown;
      await session.run([{ text: 'ROLLBACK' }]);
      return 'locked';
    }
  }

  /**
   * A hub that stands still in the midst of a commit, or whose machine is gone without a word, keeps the rows that it has locked until
   * the server misses it, which can take hours. Once its lease is over, transactions of it that wait for nothing but their client are
   * ended: if it wakes up, it writes them anew, and is refused. Answers whether there were any.
   */
  async #endStopped(session: PostgresSession, name: string, graceMs: number): Promise<boolean> {
    const ended = await session.ask(
      `SELECT pg_terminate_backend(a.pid) FROM ${this.#quoted}.lease l JOIN ${this.#quoted}.lease_end e USING (name)
         JOIN pg_stat_activity a ON a.application_name = left($3 || l.hub, 63) AND a.usename = current_user
           AND a.datname = current_database()
       WHERE l.name = $1 AND l.hub <> $4 AND e.ends + $2 * interval '1 ms' < clock_timestamp()
         AND a.pid <> pg_backend_pid() AND a.wait_event = 'ClientRead' AND a.xact_start < clock_timestamp() - interval '${lockMs} ms'`,
      [name, graceMs, applicationName(''), this.#hub],
    );
    return ended.length > 0;
  }

  async release({ lease, epoch }: Fence): Promise<void> {
    await this.#connection.read((session) =>
      session.ask(
        `UPDATE ${this.#quoted}.lease SET hub = NULL, opening = 0 WHERE name = $1 AND opening = $2 AND epoch = $3`,
        [lease, this.#opening, epoch],
      ),
    );
    this.#held = new Set([...this.#held].filter((each) => each !== lease));
  }

  async leave(): Promise<void> {
    await this.#connection.read(async (session) => {
      await session.ask(`UPDATE ${this.#quoted}.lease SET hub = NULL, opening = 0 WHERE opening = $1`, [this.#opening]);
      await session.ask(`DELETE FROM ${this.#quoted}.alive WHERE hub = $1 AND opening = $2`, [
        this.#hub,
        this.#opening,
      ]);
    });
    this.#held = new Set();
  }

  close(): Promise<void> {
    return this.#connection.close();
  }
}
