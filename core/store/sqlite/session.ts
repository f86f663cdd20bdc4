import type { DatabaseSync } from 'node:sqlite';
import { HubError } from '../../errors.ts';
import { parseShape, type ShapePart } from '../shape.ts';
import type { Counters } from './counters.ts';
import type { DailyCounters } from './daily-counters.ts';

/** What the calls of the writer's thread share. What a rolled-back commit changed of it is taken back by `rollback`. */
export class Session {
  readonly db: DatabaseSync;
  readonly counters: Counters;
  readonly daily: DailyCounters;
  /** The time of the batch that is being committed, from the store's clock. */
  now = 0;
  nextSeq: number;
  /** The lowest seq that this opening may hand out: what is below it was stored before. */
  readonly firstSeq: number;
  /** Set by what deletes content: the write-ahead log still holds it. */
  contentDeleted = false;
  readonly #texts = new Map<number, string>();
  readonly #ids = new Map<string, number>();
  readonly #shapes = new Map<number, readonly ShapePart[]>();
  #unstored: (readonly [number, string])[] = [];
  readonly #storeName: ReturnType<DatabaseSync['prepare']>;
  #committedSeq: number;

  constructor(
    db: DatabaseSync,
    counters: Counters,
    daily: DailyCounters,
    nextSeq: number,
    names: readonly (readonly [number, string])[],
  ) {
    this.db = db;
    this.counters = counters;
    this.daily = daily;
    this.nextSeq = nextSeq;
    this.firstSeq = nextSeq;
    this.#committedSeq = nextSeq;
    this.#storeName = db.prepare('INSERT OR IGNORE INTO name VALUES (?, ?)');
    for (const name of names) this.#know(name);
  }

  /** New words are stored with the next commit that succeeds. */
  addNames(names: readonly (readonly [number, string])[]): void {
    for (const name of names) {
      this.#know(name);
      this.#unstored.push(name);
    }
  }

  storeNames(): void {
    for (const [id, text] of this.#unstored) this.#storeName.run(id, text);
  }

  committed(): void {
    this.#committedSeq = this.nextSeq;
    if (this.#unstored.length > 0) this.#unstored = [];
  }

  /** Writes what this commit counted; answers with the change of the whole backlog in bytes. */
  writeCounts(): number {
    this.daily.spread(this.counters, (shape) => this.shape(shape));
    const backlog = this.counters.flush();
    this.daily.flush();
    return backlog;
  }

  rollback(): void {
    this.nextSeq = this.#committedSeq;
    this.counters.discard();
    this.daily.discard();
  }

  text(id: number): string {
    return this.#texts.get(id) ?? '';
  }

  /** 0 for a word that nothing stored has. */
  id(text: string): number {
    return this.#ids.get(text) ?? 0;
  }

  /** `shape` is an id of `name`, or the shape itself. */
  shape(shape: number | string): readonly ShapePart[] {
    if (typeof shape === 'string') return parseShape(shape);
    let parts = this.#shapes.get(shape);
    if (parts === undefined) this.#shapes.set(shape, (parts = parseShape(this.text(shape))));
    return parts;
  }

  #know([id, text]: readonly [number, string]): void {
    this.#texts.set(id, text);
    this.#ids.set(text, id);
  }
}

/** What SQLite threw, as the store's error. Its messages name tables and columns, never a value. */
export function sqliteError(thrown: unknown, doing: string): HubError {
  if (thrown instanceof HubError) return thrown;
  const { errcode, code, message } = thrown as { errcode?: number; code?: string; message?: string };
  const full = errcode === 13 || code === 'ENOSPC';
  const what = errcode === undefined ? (code ?? 'unexpected failure') : `SQLite ${errcode}, ${message}`;
  return new HubError(full ? 'store-full' : 'store-failed', 'transient', `${doing}: ${what}`, { cause: thrown });
}
