import { CopyRows } from '../../../clients/postgres/copy-rows.ts';
import { slotOf } from './schema.ts';

const columns = {
  message: 'seq,channel,id,received_at,size,hub,meta_fields,meta,key,replay_of,only_to,attached',
  raw: 'seq,bytes',
  attachment: 'seq,start,bytes',
  settlement: 'seq,channel,version,shape,shape_text,keep,at,type,times,meta_fields,meta,error',
  contents: 'seq,packed',
  part: 'seq,destination,n,channel,status,attempts,size,queued_at,retry_at,sent_at,keys,error,day',
  part_content: 'seq,destination,n,bytes,reply',
  part_key: 'channel,destination,key,seq,n',
} as const;
const ofSlots = new Set(['message', 'raw', 'attachment', 'settlement', 'contents']);
const keptTables = 40;

interface Place {
  readonly slot: number | undefined;
  readonly given: boolean;
  readonly rows: CopyRows;
}

/** Rows for COPY by table and slot. Buffers are reused; those that are on their way are not written to. */
export class CopyTables {
  readonly #quoted: string;
  readonly #open = new Map<string, CopyRows>();
  readonly #free = new Map<string, CopyRows>();
  /** Where the last row of a table went: most go there. */
  #last: Partial<Record<keyof typeof columns, Place>> = {};

  constructor(quoted: string) {
    this.#quoted = quoted;
  }

  /**
   * Rows go into the partition itself: finding it row by row costs a fifth of the COPY. Where the database gives the seqs, rows are
   * written without.
   */
  of(table: keyof typeof columns, seq: number, given = false): CopyRows {
    const slot = ofSlots.has(table) ? slotOf(seq) : undefined;
    const last = this.#last[table];
    if (last && last.slot === slot && last.given === given) return last.rows;
    const name = slot === undefined ? table : `${table}_${slot}`;
    const key = given ? `${name} without seqs` : name;
    let rows = this.#open.get(key);
    if (rows === undefined) {
      rows = this.#free.get(key) ?? this.#rows(name, columns[table].split(','), given);
      this.#free.delete(key);
      this.#open.set(key, rows);
    }
    this.#last[table] = { slot, given, rows };
    return rows;
  }

  #rows(name: string, columns: readonly string[], given: boolean): CopyRows {
    return new CopyRows(`${this.#quoted}.${name}`, given ? columns.filter((column) => column !== 'seq') : columns);
  }

  get empty(): boolean {
    return this.#open.size === 0;
  }

  /** That were written since the last `take`. */
  get rows(): number {
    let rows = 0;
    for (const each of this.#open.values()) rows += each.rows;
    return rows;
  }

  /** What was written since it was last called, in the order in which tables were first used. To be given back to `free`. */
  take(): ReadonlyMap<string, CopyRows> {
    const taken = new Map(this.#open);
    this.#open.clear();
    this.#last = {};
    return taken;
  }

  free(taken: ReadonlyMap<string, CopyRows>): void {
    if (this.#free.size > keptTables) this.#free.clear();
    for (const [name, rows] of taken) {
      rows.clear();
      this.#free.set(name, rows);
    }
  }
}
