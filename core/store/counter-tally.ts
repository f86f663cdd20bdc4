/** The counters of a channel or a destination, in the order in which stores write them. */
export const counterFields = [
  'received',
  'duplicates',
  'reused_keys',
  'unrouted',
  'backlog',
  'filtered',
  'sent',
  'errored',
  'open_errors',
  'queued',
] as const;

export type CounterField = (typeof counterFields)[number];

const position = Object.fromEntries(counterFields.map((field, index) => [field, index])) as Record<
  CounterField,
  number
>;

/** What a commit changes of a row of counters; `values` in the order of `counterFields`. */
export interface CounterChange {
  readonly channel: number;
  readonly destination: number;
  readonly values: Float64Array;
}

/** The counters of channels and destinations, added up over a commit. */
export class CounterTally {
  readonly #changed = new Map<number, Float64Array>();

  /** `destination` 0 for the channel itself. */
  add(channel: number, destination: number, field: CounterField, count: number): void {
    const key = channel * 0x1_0000_0000 + destination;
    let changes = this.#changed.get(key);
    if (changes === undefined) this.#changed.set(key, (changes = new Float64Array(counterFields.length)));
    changes[position[field]]! += count;
  }

  *changed(): Generator<CounterChange> {
    for (const [key, values] of this.#changed)
      yield { channel: Math.floor(key / 0x1_0000_0000), destination: key % 0x1_0000_0000, values };
  }

  /** The change of the backlog in bytes. */
  get backlog(): number {
    let backlog = 0;
    for (const changes of this.#changed.values()) backlog += changes[position.backlog]!;
    return backlog;
  }

  discard(): void {
    this.#changed.clear();
  }
}
