import type { MessageSummary } from '../../store/message-store.ts';
import type { Feed, FeedMessage, MessageRef } from '../feed.ts';
import type { StoreReads } from '../finder.ts';

/** Reads of a feed as a search asks for them. */
export class FeedReads implements StoreReads {
  readonly #feed: Feed;

  constructor(feed: Feed) {
    this.#feed = feed;
  }

  async channel(name: string): Promise<number | undefined> {
    return this.#feed.channel(name);
  }

  async refs(ids: readonly string[]): Promise<readonly MessageRef[]> {
    return ids.flatMap((id) => this.#feed.ref(id) ?? []);
  }

  /** With their content in any case: it costs little to read. */
  async messages(refs: readonly MessageRef[]): Promise<readonly FeedMessage[]> {
    return refs.flatMap((ref) => this.#feed.message(ref) ?? []);
  }

  async summaries(refs: readonly MessageRef[]): Promise<readonly MessageSummary[]> {
    return refs.flatMap((ref) => this.#feed.summary(ref) ?? []);
  }

  async replaysOf(ids: readonly string[]): Promise<readonly MessageRef[]> {
    return ids.flatMap((id) => this.#feed.replaysOf(id));
  }
}
