import { z } from 'zod';
import { type WallTime, weekdayOf, type Zone } from '../../core/time/zone.ts';

const dayNames = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
const dayName = dayNames.join('|');
const dayRange = `(?:${dayName})(?:-(?:${dayName}))?`;

export const hoursOfDay = () =>
  z
    .string()
    .regex(/^(?:[01]\d|2[0-3]):[0-5]\d-(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)$/, 'hours like 06:00-20:00')
    .describe('Hours of the day, `06:00-20:00`; with the end before the start they go over midnight.');

export const daysOfWeek = () =>
  z
    .string()
    .regex(new RegExp(`^${dayRange}(?:,\\s*${dayRange})*$`), 'days like mon-fri or sat,sun')
    .describe('Days on which those hours begin: `mon-fri`, `sat,sun`, `fri-mon`.');

/** One stretch of time, end not included. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
}

/** Hours that come again every week, on the clock of one zone. */
export class WeeklyHours {
  readonly #zone: Zone;
  readonly #days: ReadonlySet<number>;
  readonly #from: number;
  readonly #to: number;
  readonly #except: ReadonlySet<string>;

  /** @param except dates on which they do not begin, `2026-12-25` */
  constructor(zone: Zone, between: string, days: string, except: readonly string[] = []) {
    const [from = '', to = ''] = between.split('-');
    this.#zone = zone;
    this.#from = minutesOf(from);
    const end = minutesOf(to);
    this.#to = end > this.#from ? end : end + 24 * 60;
    this.#days = daysIn(days);
    this.#except = new Set(except);
  }

  /** The length of one stretch, on a day without a change of the clock. */
  get lengthMs(): number {
    return (this.#to - this.#from) * 60_000;
  }

  /** The stretch that this instant lies in, with those of the week before that it goes on from without a gap. */
  at(instant: number): Stretch | undefined {
    const found = this.#single(instant);
    let before = found;
    for (let days = 0; before && days < 7; days++) {
      const earlier = this.#single(before.start - 1);
      if (!earlier) break;
      before = earlier;
    }
    return found && before && { start: before.start, end: found.end };
  }

  #single(instant: number): Stretch | undefined {
    const today = this.#zone.wallTime(instant);
    for (const day of [today.day, today.day - 1]) {
      const found = this.#beginning({ ...today, day });
      if (found && found.start <= instant && instant < found.end) return found;
    }
    return undefined;
  }

  #beginning({ year, month, day }: WallTime): Stretch | undefined {
    const date = new Date(Date.UTC(year, month - 1, day)).toISOString().slice(0, 10);
    if (!this.#days.has(weekdayOf({ year, month, day })) || this.#except.has(date)) return undefined;
    const at = (minute: number) => ({ year, month, day, hour: 0, minute });
    return { start: this.#zone.instant(at(this.#from)), end: this.#zone.instant(at(this.#to), 'second') };
  }
}

function minutesOf(text: string): number {
  const [hours = '0', minutes = '0'] = text.split(':');
  return Number(hours) * 60 + Number(minutes);
}

function daysIn(text: string): ReadonlySet<number> {
  const days = new Set<number>();
  for (const range of text.split(',')) {
    const [first = '', last = first] = range.trim().split('-');
    const end = dayNames.indexOf(last as (typeof dayNames)[number]);
    for (let day = dayNames.indexOf(first as (typeof dayNames)[number]); ; day = (day + 1) % 7) {
      days.add(day);
      if (day === end) break;
    }
  }
  return days;
}
