import { z } from 'zod';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** Years whose clock changes are kept; when there are more the table begins anew. */
const MAX_YEARS = 300;

/** No zone has put its clocks forward or back by more, but for a few that moved over the date line. */
export const longestChangeMs = 3 * 60 * MINUTE_MS;

/** What an hour means that the clock shows twice, when summer time ends: its first or second time. */
export type Twice = 'first' | 'second' | 'error';
/** What a time means that the clock never shows, when summer time begins: so much later, as if the clock had gone on. */
export type Never = 'later' | 'error';

/** What a clock on the wall shows. */
export interface WallTime {
  readonly year: number;
  /** From 1. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
}

/**
 * A time zone of the IANA database, with its changes between winter and summer time. Offsets are minutes east of UTC, so that before about 1900, where zones had seconds, they are
 * rounded.
 */
export class Zone {
  readonly name: string;
  readonly #format: Intl.DateTimeFormat;
  #from = 0;
  #until = 0;
  #offset = 0;
  readonly #years = new Map<number, readonly Stretch[]>();

  /** The machine's own zone where none is named. Throws RangeError for a name that is not known. */
  constructor(name?: string) {
    this.#format = new Intl.DateTimeFormat('en-US', {
      ...(name !== undefined && { timeZone: name }),
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
      era: 'short',
    });
    this.name = name ?? this.#format.resolvedOptions().timeZone;
  }

  /** The offset at an instant, milliseconds since 1970. */
  offsetAt(instant: number): number {
    // Most times are of one season: those of a feed are, and birthdays have no time.
    if (instant >= this.#from && instant < this.#until) return this.#offset;
    const year = new Date(instant).getUTCFullYear();
    const stretches = this.#stretches(year);
    let at = 0;
    while (at + 1 < stretches.length && stretches[at + 1]!.from <= instant) at++;
    const { from, offset } = stretches[at]!;
    this.#from = from;
    this.#until = stretches[at + 1]?.from ?? new Date(0).setUTCFullYear(year + 1, 0, 1);
    this.#offset = offset;
    return offset;
  }

  /**
   * The offset that a wall clock's time has; undefined where it is an error by the rules.
   * @param local the clock's time as if it were UTC, in milliseconds since 1970
   * @returns also how many minutes later the time really is, for one that the clock never showed
   */
  offsetOf(local: number, twice: Twice, never: Never): { readonly offset: number; readonly later: number } | undefined {
    const before = this.offsetAt(local - DAY_MS);
    const after = this.offsetAt(local + DAY_MS);
    if (before === after) return { offset: before, later: 0 };
    const isBefore = this.offsetAt(local - before * MINUTE_MS) === before;
    const isAfter = this.offsetAt(local - after * MINUTE_MS) === after;
    if (isBefore && isAfter) {
      if (twice === 'error') return undefined;
      return { offset: twice === 'first' ? before : after, later: 0 };
    }
    if (isBefore) return { offset: before, later: 0 };
    if (isAfter) return { offset: after, later: 0 };
    return never === 'error' ? undefined : { offset: after, later: after - before };
  }

  /** What the clock shows at an instant. */
  wallTime(instant: number): WallTime {
    const shown = new Date(instant + this.offsetAt(instant) * MINUTE_MS);
    return {
      year: shown.getUTCFullYear(),
      month: shown.getUTCMonth() + 1,
      day: shown.getUTCDate(),
      hour: shown.getUTCHours(),
      minute: shown.getUTCMinutes(),
    };
  }

  /**
   * When the clock shows this. Days and hours beyond their range count on: day 32, hour 24. A time that never comes is read with the
   * offset before the gap (RFC 5545 §3.3.5).
   */
  instant({ year, month, day, hour, minute }: WallTime, twice: 'first' | 'second' = 'first'): number {
    return this.instantOf(Date.UTC(year, month - 1, day, hour, minute), twice);
  }

  /** The same for a clock's time as if it were UTC, in milliseconds since 1970. */
  instantOf(local: number, twice: 'first' | 'second' = 'first'): number {
    const { offset, later } = this.offsetOf(local, twice, 'later')!;
    return local + (later - offset) * MINUTE_MS;
  }

  /** The first moment, to the minute, with another offset than `from` has. `to` has another one. */
  changeBetween(from: number, to: number): number {
    const offset = this.offsetAt(from);
    let [low, high] = [Math.floor(from / MINUTE_MS), Math.ceil(to / MINUTE_MS)];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.offsetAt(middle * MINUTE_MS) === offset) low = middle;
      else high = middle;
    }
    return high * MINUTE_MS;
  }

  #stretches(year: number): readonly Stretch[] {
    let known = this.#years.get(year);
    if (!known) {
      if (this.#years.size >= MAX_YEARS) this.#years.clear();
      known = this.#search(year);
      this.#years.set(year, known);
    }
    return known;
  }

  /** Asking the platform takes microseconds each time, so a year's clock changes are searched for once: week by week, then halving. */
  #search(year: number): readonly Stretch[] {
    const start = new Date(0).setUTCFullYear(year, 0, 1);
    const end = new Date(0).setUTCFullYear(year + 1, 0, 1);
    const stretches: Stretch[] = [{ from: start, offset: this.#ask(start) }];
    for (let at = start; at < end; at += 7 * DAY_MS) {
      const offset = this.#ask(Math.min(at + 7 * DAY_MS, end));
      if (offset === stretches.at(-1)!.offset) continue;
      let [low, high] = [at, Math.min(at + 7 * DAY_MS, end)];
      while (high - low > MINUTE_MS) {
        const middle = low + Math.floor((high - low) / 2 / MINUTE_MS) * MINUTE_MS;
        if (this.#ask(middle) === offset) high = middle;
        else low = middle;
      }
      stretches.push({ from: high, offset });
    }
    return stretches;
  }

  #ask(instant: number): number {
    const parts: Record<string, string> = {};
    for (const { type, value } of this.#format.formatToParts(instant)) parts[type] = value;
    const year = parts.era === 'BC' ? 1 - Number(parts.year) : Number(parts.year);
    const local = new Date(0).setUTCFullYear(year, Number(parts.month) - 1, Number(parts.day));
    const clock = ((Number(parts.hour) * 60 + Number(parts.minute)) * 60 + Number(parts.second)) * 1000;
    return Math.round((local + clock - Math.floor(instant / 1000) * 1000) / MINUTE_MS);
  }
}

/** From an instant on, until the next stretch of the year begins. */
interface Stretch {
  readonly from: number;
  readonly offset: number;
}

const zones = new Map<string, Zone>();

/** A zone by its name in the IANA database, the same object for the same name; undefined for one that is not known. */
export function zoneNamed(name: string): Zone | undefined {
  try {
    const zone = zones.get(name) ?? new Zone(name);
    zones.set(name, zone);
    return zone;
  } catch {
    return undefined;
  }
}

/** 0 for Monday. */
export function weekdayOf({ year, month, day }: Pick<WallTime, 'year' | 'month' | 'day'>): number {
  return (new Date(Date.UTC(year, month - 1, day)).getUTCDay() + 6) % 7;
}

/** The name of a zone in a configuration. */
export const zoneName = () =>
  z.string().refine((name) => zoneNamed(name) !== undefined, 'a time zone like Europe/Berlin');
