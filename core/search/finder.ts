import { HubError } from '../errors.ts';
import type { MessageSummary } from '../store/message-store.ts';
import type { AtPath, Extractor } from './extractor.ts';
import type { FeedMessage, MessageRef } from './feed.ts';
import { Look } from './look.ts';
import { normalised } from './normalise.ts';
import type { Found, Hop, SearchQuery } from './search-index.ts';

/** The shortest text that can be looked for. */
export const shortestText = 3;
/** Messages whose content is in memory at once. */
const atOnce = 50;

/** What a search reads of the message store. Each answers for what is still there, in the order in which it was asked. */
export interface StoreReads {
  /** Undefined for a channel that the store has nothing of. */
  channel(name: string): Promise<number | undefined>;
  refs(ids: readonly string[]): Promise<readonly MessageRef[]>;
  /** Without their content where that is not asked for. */
  messages(refs: readonly MessageRef[], withContent: boolean): Promise<readonly FeedMessage[]>;
  summaries(refs: readonly MessageRef[]): Promise<readonly MessageSummary[]>;
  /** Messages that are replays of any of these. */
  replaysOf(ids: readonly string[]): Promise<readonly MessageRef[]>;
}

/** Places in the index, in pages of some, the newest first; a place may be one of a message that is not there any more. */
export type PlacePages = AsyncIterable<readonly MessageRef[]>;

/** What is asked of an index. `look` ends it, and is told where something is missing. */
export interface IndexReads {
  identifiers(term: string, within: Within, look: Look): PlacePages;
  /** Candidates: the caller reads the message to see whether it is so. Throws HubError `not-allowed` where there is no free text. */
  text(text: string, within: Within, look: Look): PlacePages;
  /** Candidates, too. Throws HubError `not-allowed` where the index has no such thing. */
  at(question: AtPath, query: SearchQuery, within: Within, look: Look): PlacePages;
  /** Messages that came from any of these through a topic. */
  cameFrom(messages: readonly FeedMessage[], look: Look): Promise<readonly MessageRef[]>;
}

/** Where places are looked for. Times only bound it: messages that were received outside of them may be among the answers. */
export interface Within {
  readonly channel: number | undefined;
  readonly from: number | undefined;
  readonly to: number | undefined;
  /** Of a page. */
  readonly limit: number;
}

interface Hit {
  readonly ref: MessageRef;
  readonly id: string;
  readonly by: Hop['by'];
}

/** Finds messages in what is indexed, and puts them on one timeline with those that they are joined to. */
export class Finder {
  readonly #store: StoreReads;
  readonly #index: IndexReads;
  readonly #extractor: Extractor;

  constructor(store: StoreReads, index: IndexReads, extractor: Extractor) {
    this.#store = store;
    this.#index = index;
    this.#extractor = extractor;
  }

  async find(query: SearchQuery, look = new Look()): Promise<Found> {
    const channel = query.channel === undefined ? undefined : await this.#store.channel(query.channel);
    if (query.channel !== undefined && channel === undefined) return { hops: [], more: false };
    const { from, to, limit } = query;
    const within = { channel, from, to, limit: limit + 1 };
    const hits = new Map<string, Hit>();
    for await (const message of this.#matches(query, within, look)) {
      if (hits.size === limit && !hits.has(message.id)) {
        look.more = true;
        break;
      }
      hits.set(message.id, { ref: message, id: message.id, by: 'text' });
    }
    if (channel === undefined) await this.#join(hits, 2 * limit, look);
    const hops = await this.#hops([...hits.values()]);
    return { hops: hops.sort((a, b) => a.receivedAt - b.receivedAt || a.seq - b.seq), more: look.more };
  }

  /** Newest first, but for the message whose own id it is. */
  async *#matches(query: SearchQuery, within: Within, look: Look): AsyncGenerator<FeedMessage> {
    const { text, in: where } = query;
    if (where === 'text') {
      const wanted = text.trim();
      if ([...wanted].length < shortestText)
        throw new HubError('not-allowed', 'permanent', `finding text: at least ${shortestText} characters are needed`);
      const pages = this.#index.text(wanted, within, look);
      yield* this.#candidates(pages, within, look, (message) => this.#hasText(message, wanted.toLowerCase()));
    } else if (where === 'path') {
      const question = this.#extractor.at(query.path ?? '', text);
      const pages = this.#index.at(question, query, within, look);
      yield* this.#candidates(pages, within, look, (message) => message.raw !== undefined && question.has(message));
    } else {
      const own = this.#existing(await this.#store.refs([text.trim().toLowerCase()]), within, false);
      yield* own;
      const term = normalised(text);
      if (term !== undefined) yield* this.#candidates(this.#index.identifiers(term, within, look), within, look);
    }
  }

  /** What the index has, less what the store has not any more and what is not so. */
  async *#candidates(
    pages: PlacePages,
    within: Within,
    look: Look,
    isSo?: (message: FeedMessage) => boolean,
  ): AsyncGenerator<FeedMessage> {
    for await (const page of pages) {
      for (let at = 0; at < page.length; at += atOnce) {
        if (look.over()) return;
        const refs = page.slice(at, at + atOnce);
        look.looked += refs.length;
        for await (const message of this.#existing(refs, within, isSo !== undefined))
          if (!isSo || isSo(message)) yield message;
      }
    }
  }

  async *#existing(refs: readonly MessageRef[], within: Within, withContent: boolean): AsyncGenerator<FeedMessage> {
    const { channel, from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY } = within;
    if (refs.length === 0) return;
    for (const message of await this.#store.messages(refs, withContent)) {
      const { receivedAt } = message;
      if (receivedAt >= from && receivedAt < to && (channel === undefined || message.channel === channel))
        yield message;
    }
  }

  #hasText({ raw, meta }: FeedMessage, text: string): boolean {
    return raw !== undefined && this.#extractor.text({ raw, meta }).toLowerCase().includes(text);
  }

  /** Adds what the hits are replays of, and were replayed as; what they came from by a topic, and what came of them there. */
  async #join(hits: Map<string, Hit>, limit: number, look: Look): Promise<void> {
    let latest = [...hits.values()];
    while (latest.length > 0 && !look.over()) {
      const refs = latest.map(({ ref }) => ref);
      const messages = await this.#store.messages(refs, false);
      const originals = (await this.#store.summaries(refs)).flatMap(({ replayOf }) => replayOf ?? []);
      const ids = messages.map(({ id }) => id);
      const origins = messages.flatMap(({ meta }) => this.#extractor.origins(meta));
      const joined: readonly (readonly [Hop['by'], readonly MessageRef[]])[] = [
        ['replay', [...(await this.#store.refs(originals)), ...(await this.#store.replaysOf(ids))]],
        ['topic', [...(await this.#store.refs(origins)), ...(await this.#index.cameFrom(messages, look))]],
      ];
      latest = [];
      for (const [by, found] of joined) {
        for (const { id, seq, channel } of await this.#store.messages(found, false)) {
          if (hits.has(id)) continue;
          if (hits.size >= limit) {
            look.more = true;
            return;
          }
          const hit: Hit = { ref: { seq, channel }, id, by };
          hits.set(id, hit);
          latest.push(hit);
        }
      }
    }
  }

  async #hops(hits: readonly Hit[]): Promise<Hop[]> {
    const hops: Hop[] = [];
    for (let at = 0; at < hits.length; at += atOnce) {
      const some = hits.slice(at, at + atOnce);
      const refs = some.map(({ ref }) => ref);
      const messages = new Map((await this.#store.messages(refs, true)).map((message) => [message.id, message]));
      const summaries = new Map((await this.#store.summaries(refs)).map((summary) => [summary.id, summary]));
      for (const { id, by } of some) {
        const message = messages.get(id);
        const summary = summaries.get(id);
        if (message && summary) hops.push(this.#hop(message, summary, by));
      }
    }
    return hops;
  }

  #hop(message: FeedMessage, summary: MessageSummary, by: Hop['by']): Hop {
    const contents = message.settled?.parts ?? [];
    return {
      ...summary,
      by,
      facts: this.#extractor.describe(message),
      parts: summary.parts.map((part) => {
        const content = contents.find(({ destination, n }) => destination === part.destination && n === part.n);
        return { ...part, facts: content ? this.#extractor.describePart(content) : {} };
      }),
    };
  }
}
