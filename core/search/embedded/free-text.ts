import { existsSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { MessageRef } from '../feed.ts';
import { shortestText } from '../finder.ts';
import { withFile } from './damage.ts';

type Statement = ReturnType<DatabaseSync['prepare']>;

interface TextFile {
  readonly db: DatabaseSync;
  readonly addPlace: Statement;
  readonly addText: Statement;
  readonly find: Statement;
}

const mostOpen = 20;

/**
 * Free text by trigram (FTS5), in files of its own: they go when the content goes, before the identifiers do. What is kept is which
 * trigrams a message has and not where (`detail=none`), so a hit is only a candidate until its text has been read.
 */
export class FreeText implements Disposable {
  readonly #directory: string;
  readonly #open = new Map<string, TextFile>();
  readonly #writing = new Set<TextFile>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  has(day: string): boolean {
    return existsSync(this.#path(day));
  }

  /** Between this and `commit` the same message may come again. */
  add(day: string, ref: MessageRef, text: string): void {
    withFile(day, () => this.#add(day, ref, text));
  }

  #add(day: string, { seq, channel }: MessageRef, text: string): void {
    const file = this.#file(day);
    if (!this.#writing.has(file)) {
      file.db.exec('BEGIN');
      this.#writing.add(file);
    }
    file.addPlace.run(seq, channel);
    file.addText.run(seq, text);
  }

  commit(): void {
    for (const { db } of this.#writing) db.exec('COMMIT');
    this.#writing.clear();
  }

  /** Messages below seq `before` that have every trigram of `text`, newest first, at most `limit`. */
  find(day: string, text: string, channel: number | undefined, before: number, limit: number): readonly MessageRef[] {
    if (!this.has(day)) return [];
    const rows = withFile(day, () => this.#file(day).find.all(trigrams(text), before, channel ?? null, limit));
    return rows as unknown as MessageRef[];
  }

  remove(day: string): void {
    this.#close(day);
    for (const suffix of ['', '-journal']) rmSync(`${this.#path(day)}${suffix}`, { force: true });
  }

  bytes(day: string): number {
    return statSync(this.#path(day), { throwIfNoEntry: false })?.size ?? 0;
  }

  [Symbol.dispose](): void {
    this.commit();
    for (const day of [...this.#open.keys()]) this.#close(day);
  }

  #path(day: string): string {
    return join(this.#directory, `${day}.text.db`);
  }

  #file(day: string): TextFile {
    const known = this.#open.get(day);
    if (known) return known;
    const [oldest] = this.#open.keys();
    if (oldest !== undefined && this.#open.size >= mostOpen) this.#close(oldest);
    const file = openText(this.#path(day));
    this.#open.set(day, file);
    return file;
  }

  #close(day: string): void {
    const file = this.#open.get(day);
    if (!file) return;
    if (this.#writing.delete(file)) file.db.exec('COMMIT');
    file.db.close();
    this.#open.delete(day);
  }
}

function openText(path: string): TextFile {
  const db = new DatabaseSync(path);
  try {
    db.exec(`
      PRAGMA synchronous = OFF; PRAGMA cache_size = -4096; PRAGMA temp_store = MEMORY;
      CREATE TABLE IF NOT EXISTS place (seq INTEGER PRIMARY KEY, channel INTEGER NOT NULL);
      CREATE VIRTUAL TABLE IF NOT EXISTS content USING
        fts5(text, tokenize = 'trigram', content = '', contentless_delete = 1, detail = none)
    `);
    return {
      db,
      addPlace: db.prepare('INSERT OR IGNORE INTO place VALUES (?, ?)'),
      addText: db.prepare('INSERT OR REPLACE INTO content (rowid, text) VALUES (?, ?)'),
      find: db.prepare(
        `SELECT p.seq, p.channel FROM content JOIN place p ON p.seq = content.rowid
         WHERE content MATCH ?1 AND content.rowid < ?2 AND (?3 IS NULL OR p.channel = ?3) ORDER BY content.rowid DESC LIMIT ?4`,
      ),
    };
  } catch (thrown) {
    db.close();
    throw thrown;
  }
}

/** Every three characters in a row, each a phrase of its own: all of them are asked for. */
function trigrams(text: string): string {
  const characters = [...text];
  const words = new Set<string>();
  for (let at = 0; at + shortestText <= characters.length; at++) {
    const word = characters.slice(at, at + shortestText).join('');
    // A zero would end the expression.
    if (!word.includes('\0')) words.add(`"${word.replaceAll('"', '""')}"`);
  }
  return [...words].join(' ');
}
