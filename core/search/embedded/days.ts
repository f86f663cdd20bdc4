import type { Feed } from '../feed.ts';
import type { DayFiles } from './day-files.ts';
import type { DayRow, PositionFile } from './position-file.ts';

/** A day of which the store has so few messages left is counted. */
const few = 1_000;

type Day = { -readonly [K in keyof DayRow]: DayRow[K] };

/** What the store has left of the days that are past. */
export interface PrunedDays {
  /** Nothing. */
  readonly gone: readonly string[];
  /** Little: what was never settled, or is an open error. The file is made again, so that it knows of no other message. */
  readonly mostlyGone: readonly string[];
  readonly withoutContent: readonly string[];
}

/** The days that have a file, and how far it can be believed. */
export class Days {
  readonly #positions: PositionFile;
  readonly #files: DayFiles;
  readonly #feed: Feed;
  readonly #rows = new Map<string, Day>();
  /** Days that were seen and have no file yet. */
  readonly #unwritten = new Map<string, Day>();
  #writtenSinceTidy = new Set<string>();

  constructor(positions: PositionFile, files: DayFiles, feed: Feed) {
    this.#positions = positions;
    this.#files = files;
    this.#feed = feed;
    for (const row of positions.days()) this.#rows.set(row.day, { ...row });
  }

  all(): readonly string[] {
    return [...this.#rows.keys()].sort();
  }

  rows(): Iterable<DayRow> {
    return this.#rows.values();
  }

  /** Days whose file is not whole, cannot be believed after a power failure, or is not there. */
  inDoubt(restarted: boolean): readonly string[] {
    for (const day of this.#files.days()) if (!this.#rows.has(day)) this.#files.remove(day);
    return [...this.#rows.values()]
      .filter(
        ({ day, state }) => state === 'rebuilding' || (restarted && state === 'unsure') || !this.#files.isWhole(day),
      )
      .map(({ day }) => day);
  }

  /** A message of that day was indexed. */
  saw(day: string, seq: number): void {
    let row = this.#rows.get(day) ?? this.#unwritten.get(day);
    if (!row) this.#unwritten.set(day, (row = { day, first: seq, last: seq, messages: 0, state: 'unsure' }));
    row.first = Math.min(row.first, seq);
    row.last = Math.max(row.last, seq);
    row.messages++;
  }

  /** The file is about to be written: from now on a power failure puts it in doubt. */
  writing(day: string): void {
    this.#writtenSinceTidy.add(day);
    const row = this.#rows.get(day) ?? this.#unwritten.get(day);
    if (!row || (this.#rows.has(day) && row.state !== 'sure')) return;
    row.state = 'unsure';
    this.#unwritten.delete(day);
    this.#rows.set(day, row);
    this.#positions.setDay(row);
  }

  doubted(day: string): void {
    const row: Day = { day, first: Number.MAX_SAFE_INTEGER, last: 0, messages: 0, state: 'rebuilding' };
    this.#unwritten.delete(day);
    this.#rows.set(day, row);
    this.#positions.setDay(row);
  }

  /** All that the store has of that day is in its file; nothing at all where no message had anything to be found by. */
  rebuilt(day: string): void {
    const row = this.#rows.get(day);
    if (!row) return;
    if (!this.#files.isWhole(day)) {
      this.forget(day);
      return;
    }
    row.state = 'unsure';
    this.#positions.setDay(row);
  }

  forget(day: string): void {
    this.#rows.delete(day);
    this.#unwritten.delete(day);
    this.#positions.dropDay(day);
  }

  /** Asks the store what is left of the days before the newest two. */
  pruned(): PrunedDays {
    const gone: string[] = [];
    const mostlyGone: string[] = [];
    const withoutContent: string[] = [];
    const days = this.all();
    for (const day of days.slice(0, -2)) {
      const { first, last, messages, state } = this.#rows.get(day)!;
      if (state === 'rebuilding') continue;
      const left = this.#feed.left(first, last, few);
      if (left.messages === 0) gone.push(day);
      else if (left.messages < few && left.messages * 4 < messages) mostlyGone.push(day);
      if (left.contents === 0) withoutContent.push(day);
    }
    return { gone, mostlyGone, withoutContent };
  }

  /** Files that have not been written to since it was last called are put on the disk, which costs little by now. */
  settle(): void {
    for (const row of this.#rows.values())
      if (row.state === 'unsure' && !this.#writtenSinceTidy.has(row.day)) this.#sync(row);
    this.#writtenSinceTidy = new Set();
  }

  /** All of them. */
  sync(): void {
    for (const row of this.#rows.values()) if (row.state === 'unsure') this.#sync(row);
  }

  #sync(row: Day): void {
    this.#files.sync(row.day);
    row.state = 'sure';
    this.#positions.setDay(row);
  }
}
