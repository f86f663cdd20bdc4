import type { DatabaseSync } from 'node:sqlite';
import { type Heading, longestType, mostTypes } from '../daily-counts.ts';
import type { LocalDays } from '../local-days.ts';
import type { Counters } from './counters.ts';
import type { ShapePart } from './shape.ts';

type Statement = ReturnType<DatabaseSync['prepare']>;

const fields = ['received', 'filtered', 'sent', 'errored', 'queued', 'duplicates'] as const;

class Counts {
  received = 0;
  filtered = 0;
  sent = 0;
  errored = 0;
  queued = 0;
  duplicates = 0;

  get changed(): boolean {
    const { received, filtered, sent, errored, queued, duplicates } = this;
    return (received || filtered || sent || errored || queued || duplicates) !== 0;
  }

  move(from: Heading, to: Heading, count = 1): void {
    this[from] -= count;
    this[to] += count;
  }

  add(as: Heading, count = 1): void {
    this.received += count;
    this[as] += count;
  }
}

/** What a commit changes of the counts of one channel's day. Day 0 stands for what was received before days were counted. */
export class DayOfChannel {
  readonly channel: number;
  readonly day: number;
  readonly messages = new Counts();
  readonly types = new Map<string, Counts>();
  readonly destinations = new Map<number, Counts>();
  /** First passes that went well: how many, by their shape and the type of their messages. */
  readonly passes = new Map<number, Map<string | null, number>>();

  constructor(channel: number, day: number) {
    this.channel = channel;
    this.day = day;
  }

  /** The first pass of a message has ended, and its type is known. */
  routed(type: string | null, as: Heading, count = 1): void {
    this.messages.move('queued', as, count);
    this.#type(type)?.add(as, count);
  }

  /** As `routed`, of a message all of whose parts were sent at once or filtered: its shape says all, and is looked at later. */
  passed(type: string | null, shape: number): void {
    let types = this.passes.get(shape);
    if (types === undefined) this.passes.set(shape, (types = new Map()));
    types.set(type, (types.get(type) ?? 0) + 1);
  }

  moved(type: string | null, from: Heading, to: Heading): void {
    if (from === to) return;
    this.messages.move(from, to);
    this.#type(type)?.move(from, to);
  }

  /** Of a part that came to a destination, `add` to these; of one that fares otherwise now, `move`. */
  destination(destination: number): Counts {
    let counts = this.destinations.get(destination);
    if (counts === undefined) this.destinations.set(destination, (counts = new Counts()));
    return counts;
  }

  #type(type: string | null): Counts | undefined {
    if (type === null || type === '' || type.length > longestType) return undefined;
    let counts = this.types.get(type);
    if (counts === undefined) this.types.set(type, (counts = new Counts()));
    return counts;
  }
}

/**
 * The counts of days (`DailyCounts` says what they mean): added up over a commit, and written once at its end, 1.6 µs a row. What is
 * received and settled is mostly of one channel and one day, so the last one is at hand; and most first passes have the same few
 * shapes, so they are counted by shape, and only at the end by destination.
 */
export class DailyCounters {
  readonly #days: LocalDays;
  readonly #add: Statement;
  readonly #addToType: Statement;
  readonly #newType: Statement;
  readonly #changed = new Map<number, DayOfChannel>();
  #last: DayOfChannel | undefined;

  constructor(db: DatabaseSync, days: LocalDays) {
    this.#days = days;
    const columns = `day, channel, destination, type, ${fields.join(', ')}`;
    const places = `?, ?, ?, ?${', ?'.repeat(fields.length)}`;
    this.#add = db.prepare(
      `INSERT INTO daily (${columns}) VALUES (${places}) ON CONFLICT (day, channel, destination, type)
       DO UPDATE SET ${fields.map((field) => `${field} = ${field} + excluded.${field}`).join(', ')}`,
    );
    this.#addToType = db.prepare(
      `UPDATE daily SET ${fields.map((field) => `${field} = ${field} + ?`).join(', ')}
       WHERE day = ? AND channel = ? AND destination = 0 AND type = ?`,
    );
    this.#newType = db.prepare(
      `INSERT INTO daily (${columns}) SELECT ${places}
       WHERE (SELECT count(*) FROM daily WHERE day = ? AND channel = ? AND destination = 0 AND type <> '') < ${mostTypes}`,
    );
  }

  day(at: number): number {
    return this.#days.of(at);
  }

  of(channel: number, day: number | null): DayOfChannel {
    const of = day ?? 0;
    const last = this.#last;
    if (last && last.day === of && last.channel === channel) return last;
    const key = channel * 0x1000_0000 + of;
    let counts = this.#changed.get(key);
    if (counts === undefined) this.#changed.set(key, (counts = new DayOfChannel(channel, of)));
    return (this.#last = counts);
  }

  /** Counts the first passes that went well by destination, for the days and for the channels as a whole. */
  spread(counters: Counters, parts: (shape: number) => readonly ShapePart[]): void {
    for (const ofDay of this.#changed.values()) {
      for (const [shape, types] of ofDay.passes) {
        let count = 0;
        let heading: Heading = 'filtered';
        for (const ofType of types.values()) count += ofType;
        for (const { destination, status } of parts(shape)) {
          if (status === 'detailed') continue;
          if (status === 'sent') heading = status;
          counters.add(ofDay.channel, destination, status, count);
          ofDay.destination(destination).add(status, count);
        }
        if (parts(shape).length === 0) counters.add(ofDay.channel, 0, 'filtered', count);
        counters.add(ofDay.channel, 0, 'unrouted', -count);
        for (const [type, ofType] of types) ofDay.routed(type, heading, ofType);
      }
    }
  }

  /** Writes what changed in the open transaction. */
  flush(): void {
    for (const ofDay of this.#changed.values()) if (ofDay.day > 0) this.#write(ofDay);
    this.discard();
  }

  discard(): void {
    this.#changed.clear();
    this.#last = undefined;
  }

  #write({ day, channel, messages, types, destinations }: DayOfChannel): void {
    if (messages.changed) this.#add.run(day, channel, 0, '', ...figures(messages));
    for (const [type, counts] of types) {
      if (!counts.changed || this.#addToType.run(...figures(counts), day, channel, type).changes !== 0) continue;
      // A type that found no room when its first message came has none for what becomes of that message.
      if (counts.received > 0) this.#newType.run(day, channel, 0, type, ...figures(counts), day, channel);
    }
    for (const [destination, counts] of destinations)
      if (counts.changed) this.#add.run(day, channel, destination, '', ...figures(counts));
  }
}

/** In the order of `fields`. */
function figures({ received, filtered, sent, errored, queued, duplicates }: Counts) {
  return [received, filtered, sent, errored, queued, duplicates] as const;
}
