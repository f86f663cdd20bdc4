import type { DatabaseSync } from 'node:sqlite';
import { mostTypes } from '../daily-counts.ts';
import { type CounterSink, DailyTally, type DayOfChannel, dailyFields } from '../daily-tally.ts';
import type { LocalDays } from '../local-days.ts';
import type { ShapePart } from '../shape.ts';

type Statement = ReturnType<DatabaseSync['prepare']>;

/** The counts of days: added up over a commit, and written once at its end, 1.6 µs a row. */
export class DailyCounters {
  readonly #tally: DailyTally;
  readonly #add: Statement;
  readonly #addToType: Statement;
  readonly #newType: Statement;

  constructor(db: DatabaseSync, days: LocalDays) {
    this.#tally = new DailyTally(days);
    const columns = `day, channel, destination, type, ${dailyFields.join(', ')}`;
    const places = `?, ?, ?, ?${', ?'.repeat(dailyFields.length)}`;
    this.#add = db.prepare(
      `INSERT INTO daily (${columns}) VALUES (${places}) ON CONFLICT (day, channel, destination, type)
       DO UPDATE SET ${dailyFields.map((field) => `${field} = ${field} + excluded.${field}`).join(', ')}`,
    );
    this.#addToType = db.prepare(
      `UPDATE daily SET ${dailyFields.map((field) => `${field} = ${field} + ?`).join(', ')}
       WHERE day = ? AND channel = ? AND destination = 0 AND type = ?`,
    );
    this.#newType = db.prepare(
      `INSERT INTO daily (${columns}) SELECT ${places}
       WHERE (SELECT count(*) FROM daily WHERE day = ? AND channel = ? AND destination = 0 AND type <> '') < ${mostTypes}`,
    );
  }

  day(at: number): number {
    return this.#tally.day(at);
  }

  of(channel: number, day: number | null): DayOfChannel {
    return this.#tally.of(channel, day);
  }

  spread(counters: CounterSink, parts: (shape: number) => readonly ShapePart[]): void {
    this.#tally.spread(counters, parts);
  }

  /** Writes what changed in the open transaction. */
  flush(): void {
    for (const ofDay of this.#tally.changed()) this.#write(ofDay);
    this.discard();
  }

  discard(): void {
    this.#tally.discard();
  }

  #write({ day, channel, messages, types, destinations }: DayOfChannel): void {
    if (messages.changed) this.#add.run(day, channel, 0, '', ...messages.values);
    for (const [type, counts] of types) {
      if (!counts.changed || this.#addToType.run(...counts.values, day, channel, type).changes !== 0) continue;
      // A type that found no room when its first message came has none for what becomes of that message.
      if (counts.received > 0) this.#newType.run(day, channel, 0, type, ...counts.values, day, channel);
    }
    for (const [destination, counts] of destinations)
      if (counts.changed) this.#add.run(day, channel, destination, '', ...counts.values);
  }
}
