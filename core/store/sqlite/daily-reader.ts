import type { DatabaseSync } from 'node:sqlite';
import { byType, type DailyCounts, type DailyQuery } from '../daily-counts.ts';
import { dayNumber, dayText } from '../local-days.ts';
import type { Texts } from './texts.ts';

interface Row {
  readonly day: number;
  readonly channel: number;
  readonly destination: number;
  readonly type: string;
  readonly received: number;
  readonly filtered: number;
  readonly sent: number;
  readonly errored: number;
  readonly queued: number;
  readonly duplicates: number;
}

/** Reads the counts of days. */
export class DailyReader {
  readonly #texts: Texts;
  readonly #rows: ReturnType<DatabaseSync['prepare']>;

  constructor(db: DatabaseSync, texts: Texts) {
    this.#texts = texts;
    this.#rows = db.prepare(
      `SELECT * FROM daily WHERE day BETWEEN ?1 AND ?2 AND (?3 IS NULL OR channel = ?3)
       AND iif(?4 = 'channel', destination = 0 AND type = '', iif(?4 = 'destination', destination <> 0, destination = 0))
       ORDER BY day, channel, destination, type`,
    );
  }

  run({ from, to, by, channel }: DailyQuery): readonly DailyCounts[] {
    const id = channel === undefined ? null : this.#texts.id(channel);
    const rows = this.#rows.all(dayNumber(from) ?? 0, dayNumber(to) ?? 0, id, by) as unknown as Row[];
    const counts = rows.map((row) => this.#counts(row));
    return by === 'type' ? byType(counts) : counts;
  }

  #counts({ day, channel, destination, type, duplicates, ...row }: Row): DailyCounts {
    const { received, filtered, sent, errored, queued } = row;
    return {
      day: dayText(day),
      channel: this.#texts.text(channel),
      ...(destination === 0 ? {} : { destination: this.#texts.text(destination) }),
      ...(type === '' ? {} : { type }),
      ...{ received, filtered, sent, errored, queued },
      ...(destination === 0 && type === '' ? { duplicates } : {}),
    };
  }
}
