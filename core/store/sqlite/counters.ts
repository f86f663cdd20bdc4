import type { DatabaseSync } from 'node:sqlite';
import { type CounterField, CounterTally, counterFields } from '../counter-tally.ts';

/** The counters of channels and destinations: added up over a commit, and written once at its end. */
export class Counters {
  readonly #add: ReturnType<DatabaseSync['prepare']>;
  readonly #tally = new CounterTally();

  constructor(db: DatabaseSync) {
    const sums = counterFields.map((field) => `${field} = ${field} + excluded.${field}`).join(', ');
    this.#add = db.prepare(
      `INSERT INTO counter (channel, destination, ${counterFields.join(', ')})
       VALUES (?, ?${', ?'.repeat(counterFields.length)}) ON CONFLICT (channel, destination) DO UPDATE SET ${sums}`,
    );
  }

  /** `destination` 0 for the channel itself. */
  add(channel: number, destination: number, field: CounterField, count: number): void {
    this.#tally.add(channel, destination, field, count);
  }

  /** Writes what changed in the open transaction; resolves to the change of the whole backlog in bytes. */
  flush(): number {
    for (const { channel, destination, values } of this.#tally.changed())
      this.#add.run(channel, destination, ...values);
    const { backlog } = this.#tally;
    this.#tally.discard();
    return backlog;
  }

  /** The change of the backlog in bytes that is not written yet. */
  get backlog(): number {
    return this.#tally.backlog;
  }

  discard(): void {
    this.#tally.discard();
  }
}
