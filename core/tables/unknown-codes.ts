/** A code that a table did not have, for whoever keeps the table: `weir tables unknown`. */
export interface UnknownCode {
  readonly table: string;
  /** At most 64 characters: a code is no patient data, but what stands in its place may be anything. */
  readonly code: string;
  readonly channel: string;
  readonly count: number;
  /** When the first and the last message with it were received, milliseconds since 1970. */
  readonly firstSeen: number;
  readonly lastSeen: number;
}

const MAX_LENGTH = 64;

/** The worklist of codes that tables did not have. Bounded: what comes when it is full is counted, not kept. */
export class UnknownCodes {
  readonly #max: number;
  readonly #entries = new Map<string, { -readonly [K in keyof UnknownCode]: UnknownCode[K] }>();
  #untold = 0;
  #revision = 0;

  constructor(max = 10_000) {
    this.#max = max;
  }

  /** How often a code came that found no room in the list. */
  get untold(): number {
    return this.#untold;
  }

  /** Another number whenever the list is another one. */
  get revision(): number {
    return this.#revision;
  }

  /** @param at when the message was received */
  note(table: string, code: string, channel: string, at: number): void {
    this.#add({ table, code, channel, count: 1, firstSeen: at, lastSeen: at });
  }

  /** Adds what an earlier run noted. */
  restore(codes: readonly UnknownCode[]): void {
    for (const each of codes) this.#add(each);
  }

  #add({ table, code, channel, count, firstSeen, lastSeen }: UnknownCode): void {
    this.#revision++;
    const shown = code.length > MAX_LENGTH ? `${code.slice(0, MAX_LENGTH - 1)}…` : code;
    const key = `${channel}\0${table}\0${shown}`;
    const entry = this.#entries.get(key);
    if (entry) {
      entry.count += count;
      entry.firstSeen = Math.min(entry.firstSeen, firstSeen);
      entry.lastSeen = Math.max(entry.lastSeen, lastSeen);
    } else if (this.#entries.size < this.#max) {
      this.#entries.set(key, { table, code: shown, channel, count, firstSeen, lastSeen });
    } else this.#untold += count;
  }

  /** The most frequent first; all of them, or those of one table. */
  list(table?: string): readonly UnknownCode[] {
    return [...this.#entries.values()]
      .filter((entry) => table === undefined || entry.table === table)
      .map((entry) => ({ ...entry }))
      .sort((a, b) => b.count - a.count || (a.code < b.code ? -1 : 1));
  }

  /** Takes off what has been dealt with: all codes of a table, or one of them. */
  clear(table: string, code?: string): void {
    this.#revision++;
    for (const [key, entry] of this.#entries)
      if (entry.table === table && (code === undefined || entry.code === code)) this.#entries.delete(key);
  }
}
