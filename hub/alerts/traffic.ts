import { z } from 'zod';
import { weekdayOf, type Zone } from '../../core/time/zone.ts';

const hourMs = 3_600_000;
const slotMs = 5 * 60_000;
const slots = 12;
const weeks = 5;
/** Five weeks, and the hour that summer time puts between. */
const keepHours = weeks * 7 * 24 + 2;

const keptFeed = z.strictObject({
  total: z.number(),
  last: z.number().optional(),
  first: z.int(),
  hours: z.array(z.number().nullable()),
  slot: z.int(),
  slots: z.array(z.number()),
});

/** How much one feed has brought: by hours for five weeks, by five minutes for the last hour. */
export class Feed {
  #total: number;
  #last: number | undefined;
  /** The number of the hour that `#hours` begins with; null is an hour in which nobody counted. */
  #first: number;
  #hours: (number | null)[] = [];
  #slot: number;
  #slots: number[] = [];

  constructor(total: number, at: number) {
    this.#total = total;
    this.#first = Math.floor(at / hourMs);
    this.#slot = Math.floor(at / slotMs);
  }

  get lastReceivedAt(): number | undefined {
    return this.#last;
  }

  /** @param total messages that the channel has received, ever */
  note(total: number, lastReceivedAt: number | undefined, at: number): void {
    // The counts of a store that was begun anew begin at nothing.
    const risen = total < this.#total ? total : total - this.#total;
    this.#total = total;
    if (lastReceivedAt !== undefined) this.#last = Math.max(this.#last ?? 0, lastReceivedAt);
    const hour = Math.floor(at / hourMs) - this.#first;
    while (this.#hours.length < hour) this.#hours.push(null);
    this.#hours[hour] = (this.#hours[hour] ?? 0) + risen;
    const surplus = this.#hours.length - keepHours;
    if (surplus > 0) {
      this.#hours.splice(0, surplus);
      this.#first += surplus;
    }
    const slot = Math.floor(at / slotMs);
    const passed = Math.min(slots, Math.max(0, slot - this.#slot));
    this.#slots = [...this.#slots, ...Array<number>(passed).fill(0)].slice(-slots);
    this.#slot = Math.max(this.#slot, slot);
    if (this.#slots.length === 0) this.#slots.push(0);
    this.#slots[this.#slots.length - 1]! += risen;
  }

  /** Of the last hour, to five minutes. */
  get lastHour(): number {
    return this.#slots.reduce((sum, each) => sum + each, 0);
  }

  /** Of the last 24 hours; of the hour that they begin in, its share. */
  lastDay(now: number): number {
    const hour = Math.floor(now / hourMs);
    const into = (now % hourMs) / hourMs;
    let sum = (this.#hour(hour - 24) ?? 0) * (1 - into);
    for (let back = 0; back < 24; back++) sum += this.#hour(hour - back) ?? 0;
    return Math.round(sum);
  }

  /**
   * What the hour before `now` brought on this weekday in the weeks before, on the wall clock of the zone: the middle one of those
   * that are known. Undefined where fewer than `needed` are.
   */
  usualHour(now: number, zone: Zone, needed: number): number | undefined {
    const into = (now % hourMs) / hourMs;
    const before = this.#usual(now - hourMs, zone, needed);
    const current = this.#usual(now, zone, needed);
    return before === undefined || current === undefined ? undefined : before * (1 - into) + current * into;
  }

  /** The same of the 24 hours before `now`. */
  usualDay(now: number, zone: Zone, needed: number): number | undefined {
    const into = (now % hourMs) / hourMs;
    let sum = 0;
    for (let back = 0; back <= 24; back++) {
      const usual = this.#usual(now - back * hourMs, zone, needed);
      if (usual === undefined) return undefined;
      sum += usual * (back === 0 ? into : back === 24 ? 1 - into : 1);
    }
    return sum;
  }

  #usual(at: number, zone: Zone, needed: number): number | undefined {
    const known: number[] = [];
    for (const hour of hoursBefore(at, zone)) {
      const count = this.#hour(hour);
      if (count !== undefined) known.push(count);
    }
    return known.length < needed ? undefined : known.toSorted((a, b) => a - b)[Math.floor((known.length - 1) / 2)];
  }

  #hour(hour: number): number | undefined {
    return this.#hours[hour - this.#first] ?? undefined;
  }

  kept(): string {
    const [total, last, first, hours] = [this.#total, this.#last, this.#first, this.#hours];
    return JSON.stringify({ total, last, first, hours, slot: this.#slot, slots: this.#slots });
  }

  /** What an earlier run kept; undefined where it cannot be read. */
  static restore(text: string): Feed | undefined {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return undefined;
    }
    const read = keptFeed.safeParse(value);
    if (!read.success) return undefined;
    const feed = new Feed(read.data.total, 0);
    feed.#last = read.data.last;
    feed.#first = read.data.first;
    feed.#hours = read.data.hours;
    feed.#slot = read.data.slot;
    feed.#slots = read.data.slots;
    return feed;
  }
}

/** They are the same for every feed, and asking a zone takes microseconds: of so many hours they are kept. */
const keptHours = 64;
const hoursOfZones = new WeakMap<Zone, Map<number, readonly number[]>>();

/** The same hour of the same weekday in the weeks before, on the wall clock of the zone. */
function hoursBefore(at: number, zone: Zone): readonly number[] {
  const hour = Math.floor(at / hourMs);
  const ofZone = hoursOfZones.get(zone) ?? new Map<number, readonly number[]>();
  hoursOfZones.set(zone, ofZone);
  const found = ofZone.get(hour);
  if (found) return found;
  const wall = zone.wallTime(hour * hourMs);
  const hours = Array.from({ length: weeks }, (_, week) =>
    Math.floor(zone.instant({ ...wall, day: wall.day - 7 * (week + 1) }) / hourMs),
  );
  if (ofZone.size >= keptHours) ofZone.clear();
  ofZone.set(hour, hours);
  return hours;
}

/** `Mon 14:00`: the hour of the week, for people. */
export function hourOfWeek(at: number, zone: Zone): string {
  const wall = zone.wallTime(at);
  const day = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'][weekdayOf(wall)] ?? '';
  return `${day} ${String(wall.hour).padStart(2, '0')}:00`;
}
