import { texts } from '../../../clients/postgres/quote.ts';
import type { PostgresSession } from '../../../clients/postgres/session.ts';
import { parseShape, type ShapePart } from '../../../core/store/shape.ts';

/** Words that may come from the wire are numbered as long as there is room. */
const room = 10_000;
const longest = 1_000;
const latecomers = 256;

/**
 * Words that recur in every message (channels, destinations, versions, the fields of its meta, the shape of its settlement) are
 * stored once, and as a small number from then on. Numbers are given by the database, in a transaction before the one that uses
 * them, and are kept here for good.
 */
export class Names {
  readonly #quoted: string;
  readonly #ids = new Map<string, number>();
  readonly #texts = new Map<number, string>();
  readonly #shapes = new Map<number, readonly ShapePart[]>();
  readonly #missing = new Set<string>();
  /** Numbers that other hubs gave, and that were asked for before they were read. */
  readonly #unknown = new Set<number>();
  #lacking = false;
  #last = 0;

  constructor(quoted: string) {
    this.#quoted = quoted;
  }

  /** Of a word of the configuration; 0, and to be learnt before it can be stored, where it is new. */
  id(text: string): number {
    const id = this.#ids.get(text);
    if (id === undefined) {
      this.#missing.add(text);
      this.#lacking = true;
    }
    return id ?? 0;
  }

  /** As `id`; but where it is new, or there is no room for it, the caller stores it as it is. */
  idIfRoom(text: string): number {
    const id = this.#ids.get(text);
    if (id === undefined && text.length < longest && !text.includes('\0') && this.#ids.size + this.#missing.size < room)
      this.#missing.add(text);
    return id ?? 0;
  }

  /** 0 for a word that is not known here. */
  known(text: string): number {
    return this.#ids.get(text) ?? 0;
  }

  text(id: number): string {
    const text = this.#texts.get(id);
    if (text === undefined && id > 0) this.#unknown.add(id);
    return text ?? '';
  }

  /** `shape` is an id, or the shape itself. */
  shape(shape: number | string): readonly ShapePart[] {
    if (typeof shape === 'string') return parseShape(shape);
    let parts = this.#shapes.get(shape);
    if (parts !== undefined) return parts;
    parts = parseShape(this.text(shape));
    if (this.#texts.has(shape)) this.#shapes.set(shape, parts);
    return parts;
  }

  /** Nothing is to be learnt. */
  get complete(): boolean {
    return this.#missing.size === 0;
  }

  /** What was made of the answers is wrong: another hub has given a number that was asked for, and `read` has it. */
  get unread(): boolean {
    return this.#unknown.size > 0;
  }

  /** A word was asked for that cannot be done without. */
  get lacking(): boolean {
    return this.#lacking;
  }

  /** Gives the words that were asked for and were new their numbers. */
  async learn(session: PostgresSession): Promise<void> {
    const words = [...this.#missing];
    this.#missing.clear();
    this.#lacking = false;
    const all = texts(words);
    await session.run([
      { text: `INSERT INTO ${this.#quoted}.name (text) SELECT unnest(${all}) ON CONFLICT DO NOTHING` },
    ]);
    const [rows = []] = await session.run([
      { text: `SELECT id, text FROM ${this.#quoted}.name WHERE text = ANY(${all})` },
    ]);
    for (const [id, text] of rows) this.#know(Number(id), text ?? '');
  }

  /** Reads what is new since it was last called: words of this hub and of others, which may have committed a lower number later. */
  async read(session: Pick<PostgresSession, 'ask'>): Promise<void> {
    const after = this.#last - latecomers;
    const rows = await session.ask(`SELECT id, text FROM ${this.#quoted}.name WHERE id > $1 ORDER BY id`, [after]);
    for (const [id, text] of rows) {
      this.#know(Number(id), String(text));
      this.#last = Number(id);
    }
    // What the database does not know either stays without a word.
    for (const id of this.#unknown) if (!this.#texts.has(id)) this.#texts.set(id, '');
    this.#unknown.clear();
  }

  #know(id: number, text: string): void {
    this.#ids.set(text, id);
    this.#texts.set(id, text);
  }
}
