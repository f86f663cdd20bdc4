import { type Heading, longestType } from './daily-counts.ts';
import type { LocalDays } from './local-days.ts';
import type { ShapePart } from './shape.ts';

/** The figures of a row of daily counts, in the order in which stores write them. */
export const dailyFields = ['received', 'filtered', 'sent', 'errored', 'queued', 'duplicates'] as const;

export class DayFigures {
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

  /** In the order of `dailyFields`. */
  get values(): readonly [number, number, number, number, number, number] {
    return [this.received, this.filtered, this.sent, this.errored, this.queued, this.duplicates];
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
  readonly messages = new DayFigures();
  readonly types = new Map<string, DayFigures>();
  readonly destinations = new Map<number, DayFigures>();
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
  destination(destination: number): DayFigures {
    let counts = this.destinations.get(destination);
    if (counts === undefined) this.destinations.set(destination, (counts = new DayFigures()));
    return counts;
  }

  #type(type: string | null): DayFigures | undefined {
    if (type === null || type === '' || type.length > longestType) return undefined;
    let counts = this.types.get(type);
    if (counts === undefined) this.types.set(type, (counts = new DayFigures()));
    return counts;
  }
}

/** What `DailyTally.spread` adds the counts of channels and destinations to; destination 0 is the channel itself. */
export interface CounterSink {
  add(channel: number, destination: number, field: 'filtered' | 'sent' | 'unrouted', count: number): void;
}

/**
 * The counts of days (`DailyCounts` says what they mean), added up over a commit. What is received and settled is mostly of one
 * channel and one day, so the last one is at hand; and most first passes have the same few shapes, so they are counted by shape,
 * and only at the end by destination.
 */
export class DailyTally {
  readonly #days: LocalDays;
  readonly #changed = new Map<number, DayOfChannel>();
  #last: DayOfChannel | undefined;

  constructor(days: LocalDays) {
    this.#days = days;
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
  spread(counters: CounterSink, parts: (shape: number) => readonly ShapePart[]): void {
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

  /** What changed, of days that are counted. */
  *changed(): Generator<DayOfChannel> {
    for (const ofDay of this.#changed.values()) if (ofDay.day > 0) yield ofDay;
  }

  discard(): void {
    this.#changed.clear();
    this.#last = undefined;
  }
}
