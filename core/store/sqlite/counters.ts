import type { DatabaseSync } from 'node:sqlite';

const fields = [
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

export type CounterField = (typeof fields)[number];

const position = Object.fromEntries(fields.map((field, index) => [field, index])) as Record<CounterField, number>;

/** The counters of channels and destinations: added up over a commit, and written once at its end. */
export class Counters {
  readonly #add: ReturnType<DatabaseSync['prepare']>;
  readonly #changed = new Map<number, Float64Array>();

  constructor(db: DatabaseSync) {
    const sums = fields.map((field) => `${field} = ${field} + excluded.${field}`).join(', ');
    this.#add = db.prepare(
      `INSERT INTO counter (channel, destination, ${fields.join(', ')}) VALUES (?, ?${', ?'.repeat(fields.length)})
       ON CONFLICT (channel, destination) DO UPDATE SET ${sums}`,
    );
  }

  /** `destination` 0 for the channel itself. */
  add(channel: number, destination: number, field: CounterField, count: number): void {
    const key = channel * 0x1_0000_0000 + destination;
    let changes = this.#changed.get(key);
    if (changes === undefined) this.#changed.set(key, (changes = new Float64Array(fields.length)));
    changes[position[field]]! += count;
  }

  /** Writes what changed in the open transaction; resolves to the change of the whole backlog in bytes. */
  flush(): number {
    let backlog = 0;
    for (const [key, changes] of this.#changed) {
      this.#add.run(Math.floor(key / 0x1_0000_0000), key % 0x1_0000_0000, ...changes);
      backlog += changes[position.backlog]!;
    }
    this.#changed.clear();
    return backlog;
  }

  /** The change of the backlog in bytes that is not written yet. */
  get backlog(): number {
    let backlog = 0;
    for (const changes of this.#changed.values()) backlog += changes[position.backlog]!;
    return backlog;
  }

  discard(): void {
    this.#changed.clear();
  }
}
