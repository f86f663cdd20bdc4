import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect } from 'vitest';
import { type EmbeddedIndex, openEmbeddedIndex } from '../search/embedded-index.ts';
import type { Found, SearchQuery } from '../search/search-index.ts';
import type { NewMessage } from '../store/message-store.ts';
import { openSqliteStore, type SqliteStore } from '../store/sqlite/sqlite-store.ts';
import { bytesOf, channel, newMessage, sentPart, seqOf, settlement, start } from './store-fixture.ts';

export const dayMs = 24 * 60 * 60_000;
/** That of `start`. */
export const today = '2026-01-01';

export interface IndexSettings {
  readonly freeText?: boolean;
  readonly pollMs?: number;
  readonly memoryRows?: number;
}

/** A store and an index that follows it, where each word of a message is an identifier. */
export class SearchFixture {
  readonly directory = mkdtempSync(join(tmpdir(), 'weir-search-'));
  now = start;
  store!: SqliteStore;
  index!: EmbeddedIndex;
  #lastSeq = 0;

  get folder(): string {
    return join(this.directory, 'search');
  }

  /** Of a day's identifiers. */
  fileOf(day: string): string {
    return join(this.folder, `${day}.db`);
  }

  async open(settings: IndexSettings = {}): Promise<void> {
    this.store = await openSqliteStore({
      ...{ directory: join(this.directory, 'messages'), now: () => this.now, lowWaterBytes: 0, reserveBytes: 0 },
    });
    await this.openIndex(settings);
  }

  async openIndex(settings: IndexSettings = {}): Promise<void> {
    this.index = await openEmbeddedIndex({
      directory: this.folder,
      now: () => this.now,
      pollMs: 5,
      feed: {
        module: new URL('../store/sqlite/feed.ts', import.meta.url).href,
        name: 'sqliteFeed',
        options: { directory: join(this.directory, 'messages') },
      },
      extractor: {
        module: new URL('../search/testing/words-extractor.ts', import.meta.url).href,
        name: 'wordsExtractor',
        options: {},
      },
      ...settings,
    });
  }

  /** Closes the index, and opens it on what it has written. */
  async reopen(between: () => void = () => undefined, settings: IndexSettings = {}): Promise<void> {
    await this.index[Symbol.asyncDispose]();
    between();
    await this.openIndex(settings);
  }

  async close(): Promise<void> {
    await this.index[Symbol.asyncDispose]();
    await this.store[Symbol.asyncDispose]();
  }

  /** Closes both, removes the store and opens another one, which knows nothing. */
  async replaceStore(): Promise<void> {
    await this.close();
    rmSync(join(this.directory, 'messages'), { recursive: true });
    this.now++;
    this.#lastSeq = 0;
    await this.open();
  }

  /** Stores a message; its first pass does not end. */
  async receive(text: string, fields: Partial<NewMessage> = {}, to = channel): Promise<{ id: string; seq: number }> {
    const message = newMessage({ raw: bytesOf(text), ...fields });
    const [appended] = await this.store.append(to, [message]);
    this.#lastSeq = seqOf(appended);
    return { id: message.id, seq: this.#lastSeq };
  }

  /** Stores and settles a message; resolves with its id. */
  async send(text: string, fields: Partial<NewMessage> = {}, to = channel, content: 'full' | 'metadata' = 'full') {
    const { id, seq } = await this.receive(text, fields, to);
    await this.store.settle(to, [settlement(seq, [sentPart('lab')], { content })]);
    return id;
  }

  /** Resolves when everything that was sent is indexed, and no file is in doubt. */
  async indexed(): Promise<void> {
    const expected = { position: this.#lastSeq, rebuilding: [], open: 0 };
    await expect.poll(() => this.index.status(), { timeout: 10_000 }).toMatchObject(expected);
  }

  find(text: string, query: Partial<SearchQuery> = {}): Promise<Found> {
    return this.index.find({ text, in: 'identifiers', limit: 100, ...query });
  }

  async idsOf(text: string, query: Partial<SearchQuery> = {}): Promise<readonly string[]> {
    return (await this.find(text, query)).hops.map(({ id }) => id);
  }
}

/** One for each test of the file. */
export function searchFixture(): { readonly at: SearchFixture } {
  let fixture: SearchFixture;
  beforeEach(async () => {
    fixture = new SearchFixture();
    await fixture.open();
  });
  afterEach(async () => {
    await fixture.close();
    rmSync(fixture.directory, { recursive: true, force: true });
  });
  return {
    get at() {
      return fixture;
    },
  };
}
