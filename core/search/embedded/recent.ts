import { DatabaseSync } from 'node:sqlite';
import type { MessageRef } from '../feed.ts';
import { finding, segmentColumns } from './day-files.ts';

interface Table {
  readonly name: string;
  readonly add: ReturnType<DatabaseSync['prepare']>;
  readonly find: ReturnType<DatabaseSync['prepare']>;
  readonly findIn: ReturnType<DatabaseSync['prepare']>;
}

/** What was indexed since the files were last written, in memory, sorted, a table for each day. */
export class Recent implements Disposable {
  readonly db = new DatabaseSync(':memory:');
  readonly #tables = new Map<string, Table>();
  #rows = 0;

  get rows(): number {
    return this.#rows;
  }

  days(): readonly string[] {
    return [...this.#tables.keys()].sort();
  }

  /** The table of a day. */
  tableOf(day: string): string | undefined {
    return this.#tables.get(day)?.name;
  }

  begin(): void {
    this.db.exec('BEGIN');
  }

  commit(): void {
    this.db.exec('COMMIT');
  }

  add(day: string, term: string, { seq, channel }: MessageRef): void {
    (this.#tables.get(day) ?? this.#make(day)).add.run(term, seq, channel);
    this.#rows++;
  }

  find(day: string, term: string, channel: number | undefined, before: number, limit: number): readonly MessageRef[] {
    const table = this.#tables.get(day);
    if (!table) return [];
    const rows =
      channel === undefined ? table.find.all(term, before, limit) : table.findIn.all(term, before, channel, limit);
    return rows as unknown as MessageRef[];
  }

  forget(day: string): void {
    const table = this.#tables.get(day);
    if (!table) return;
    const { rows } = this.db.prepare(`SELECT count(*) AS rows FROM "${table.name}"`).get() as { rows: number };
    this.#rows -= rows;
    this.db.exec(`DROP TABLE "${table.name}"`);
    this.#tables.delete(day);
    if (this.#tables.size === 0) this.#rows = 0;
  }

  [Symbol.dispose](): void {
    this.db.close();
  }

  #make(day: string): Table {
    const name = `recent_${day}`;
    this.db.exec(`CREATE TABLE "${name}" ${segmentColumns}`);
    const table = {
      name,
      add: this.db.prepare(`INSERT OR IGNORE INTO "${name}" VALUES (?, ?, ?)`),
      ...finding(this.db, name),
    };
    this.#tables.set(day, table);
    return table;
  }
}
