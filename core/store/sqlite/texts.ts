import type { DatabaseSync } from 'node:sqlite';
import { parseShape, type ShapePart } from '../shape.ts';

/** The recurring words of a store, for a connection that does not write: read again when an id is new to it. */
export class Texts {
  readonly #texts = new Map<number, string>();
  readonly #ids = new Map<string, number>();
  readonly #shapes = new Map<number, readonly ShapePart[]>();
  readonly #since: ReturnType<DatabaseSync['prepare']>;
  #last = 0;

  constructor(db: DatabaseSync) {
    this.#since = db.prepare('SELECT id, text FROM name WHERE id > ? ORDER BY id');
  }

  text(id: number): string {
    return this.#texts.get(id) ?? this.#read().get(id) ?? '';
  }

  /** 0 for a word that nothing stored has. */
  id(text: string): number {
    const known = this.#ids.get(text);
    if (known !== undefined) return known;
    this.#read();
    return this.#ids.get(text) ?? 0;
  }

  /** `shape` is an id of `name`, or the shape itself. */
  shape(shape: number | string): readonly ShapePart[] {
    if (typeof shape === 'string') return parseShape(shape);
    let parts = this.#shapes.get(shape);
    if (parts === undefined) this.#shapes.set(shape, (parts = parseShape(this.text(shape))));
    return parts;
  }

  #read(): ReadonlyMap<number, string> {
    for (const row of this.#since.all(this.#last) as unknown as { id: number; text: string }[]) {
      this.#texts.set(row.id, row.text);
      this.#ids.set(row.text, row.id);
      this.#last = row.id;
    }
    return this.#texts;
  }
}
