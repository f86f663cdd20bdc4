import { afterEach, beforeEach, expect } from 'vitest';
import type { Found, SearchIndex, SearchQuery } from '../search/search-index.ts';
import type { MessageStore, NewMessage } from '../store/message-store.ts';
import { bytesOf, channel, newMessage, sentPart, seqOf, settlement, start } from './store-fixture.ts';

export const dayMs = 24 * 60 * 60_000;
/** That of `start`. */
export const today = '2026-01-01';

export interface IndexSettings {
  readonly freeText?: boolean;
  readonly pollMs?: number;
  readonly memoryRows?: number;
  readonly searchMs?: number;
}

/** An index that can be asked to forget at once what the store has pruned. */
export type TidyIndex = SearchIndex & { tidy(): Promise<void> };

/** Where a store and its index are, and how both are opened again on what is there. Disposing of it removes both. */
export interface SearchPlace extends AsyncDisposable {
  openStore(now: () => number): Promise<MessageStore & AsyncDisposable>;
  /** Of `wordsExtractor`; it looks for what is new every 5 ms. */
  openIndex(now: () => number, settings: IndexSettings): Promise<TidyIndex>;
  /** Everything that is kept of content, as one text. */
  written(): Promise<string>;
}

/** A store and an index that follows it, where each word of a message is an identifier. */
export class SearchFixture<P extends SearchPlace = SearchPlace> {
  readonly place: P;
  now = start;
  store!: MessageStore & AsyncDisposable;
  index!: TidyIndex;
  #lastSeq = 0;

  constructor(place: P) {
    this.place = place;
  }

  async open(settings: IndexSettings = {}): Promise<void> {
    await this.openStore();
    await this.openIndex(settings);
  }

  async openStore(): Promise<void> {
    this.store = await this.place.openStore(() => this.now);
  }

  async openIndex(settings: IndexSettings = {}): Promise<void> {
    this.index = await this.place.openIndex(() => this.now, settings);
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

  /** The next message is the first of another store. */
  forgetSeqs(): void {
    this.#lastSeq = 0;
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

  /** Resolves when everything that was sent is indexed, and nothing is being made again. */
  async indexed(): Promise<void> {
    const expected = { position: this.#lastSeq, rebuilding: [], open: 0 };
    await expect.poll(() => this.index.status()).toMatchObject(expected);
  }

  find(text: string, query: Partial<SearchQuery> = {}): Promise<Found> {
    return this.index.find({ text, in: 'identifiers', limit: 100, ...query });
  }

  async idsOf(text: string, query: Partial<SearchQuery> = {}): Promise<readonly string[]> {
    return (await this.find(text, query)).hops.map(({ id }) => id);
  }
}

/** One for each test. */
export function searchFixture<P extends SearchPlace>(makePlace: () => Promise<P>): { readonly at: SearchFixture<P> } {
  let fixture: SearchFixture<P>;
  beforeEach(async () => {
    fixture = new SearchFixture(await makePlace());
    await fixture.open();
  });
  afterEach(async () => {
    await fixture.close();
    await fixture.place[Symbol.asyncDispose]();
  });
  return {
    get at() {
      return fixture;
    },
  };
}
