import { literal, numbers, texts } from '../../../clients/postgres/quote.ts';
import type { Fence, Leases, LeaseTable, LeaseTaken } from '../../../core/store/leases.ts';
import type { Names } from './names.ts';
import type { Settings } from './options.ts';
import { Readers } from './readers.ts';

/** A lease is over when the database does not answer for so long: there is no use in waiting longer. */
const answerMs = 3_000;

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
      // What stands in the row of the lease is what stood there when the statement began.
      const [taken] = await session.ask(
        `SELECT o_epoch, o_clean, EXISTS (SELECT FROM ${this.#quoted}.lease l WHERE l.name = $1 AND (
             l.hub = $2 AND l.opening <> $3
             OR EXISTS (SELECT FROM ${this.#quoted}.alive a WHERE a.hub = l.hub AND a.opening > l.opening)))
           FROM ${this.#quoted}.take_lease($1, $2, $3, $4, $5)`,
        [name, this.#hub, this.#opening, ttlMs, graceMs],
      );
      // Destinations and versions of whoever had it before.
      if (taken) await this.#names.read(session);
      return taken;
    });
    if (!row) return undefined;
    this.#held = new Set([...this.#held, name]);
    return { epoch: Number(row[0]), clean: row[1] === true, ended: row[2] === true };
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
