import { HubError } from '../../errors.ts';
import type { Extractor } from '../extractor.ts';
import type { Feed, FeedMessage, MessageRef } from '../feed.ts';
import { dayOf, normalised, originTerm } from '../normalise.ts';
import type { Found, Hop, SearchQuery } from '../search-index.ts';
import { DamagedFile } from './damage.ts';
import { shortestText } from './free-text.ts';
import type { Indexer } from './indexer.ts';

/** Places that one search looks at, and how long it may take: whoever asks more asks again, for a shorter time. */
const mostLooked = 20_000;
const mostMs = 1_000;
/** Events are read within a week of their publication, or were not meant to be. */
const originDays = 8;

interface Hit {
  readonly ref: MessageRef;
  readonly id: string;
  readonly by: Hop['by'];
}

/** Finds messages in what is indexed, and puts them on one timeline with those that they are joined to. */
export class Finder {
  readonly #indexer: Indexer;
  readonly #feed: Feed;
  readonly #extractor: Extractor;

  constructor(indexer: Indexer, feed: Feed, extractor: Extractor) {
    this.#indexer = indexer;
    this.#feed = feed;
    this.#extractor = extractor;
  }

  find(query: SearchQuery): Found {
    const channel = query.channel === undefined ? undefined : this.#feed.channel(query.channel);
    if (query.channel !== undefined && channel === undefined) return { hops: [], more: false };
    const search = new OneSearch();
    const hits = new Map<string, Hit>();
    for (const message of this.#matches(query, channel, search)) {
      if (hits.size === query.limit) {
        search.more = true;
        break;
      }
      hits.set(message.id, { ref: message, id: message.id, by: 'text' });
    }
    if (channel === undefined) this.#join(hits, 2 * query.limit, search);
    const hops = [...hits.values()].flatMap((hit) => this.#hop(hit) ?? []);
    hops.sort((a, b) => a.receivedAt - b.receivedAt || a.seq - b.seq);
    return { hops, more: search.more };
  }

  /** Newest first. */
  *#matches(query: SearchQuery, channel: number | undefined, search: OneSearch): Generator<FeedMessage> {
    const { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY } = query;
    const within = ({ receivedAt }: FeedMessage) => receivedAt >= from && receivedAt < to;
    if (query.in === 'text') {
      for (const message of this.#candidates(this.#textIn(query.text), query, channel, search))
        if (within(message) && this.#hasText(message, query.text)) yield message;
      return;
    }
    const itself = this.#feed.ref(query.text.trim().toLowerCase());
    const message = itself && this.#feed.message(itself);
    if (message && within(message) && (channel === undefined || message.channel === channel)) yield message;
    const term = normalised(query.text);
    if (term === undefined) return;
    const places = (day: string, before: number, limit: number) => this.#places(day, term, channel, before, limit);
    for (const found of this.#candidates(places, query, channel, search)) if (within(found)) yield found;
  }

  /** What the index has, less what the store has not any more. */
  *#candidates(
    places: (day: string, before: number, limit: number) => readonly MessageRef[],
    { from, to, limit }: SearchQuery,
    channel: number | undefined,
    search: OneSearch,
  ): Generator<FeedMessage> {
    const first = from === undefined ? '' : dayOf(from);
    const last = to === undefined ? '9999' : dayOf(to);
    const { rebuilding } = this.#indexer;
    for (const day of this.#indexer.days().toReversed()) {
      if (day < first || day > last) continue;
      if (rebuilding.includes(day)) search.more = true;
      let before = Number.MAX_SAFE_INTEGER;
      for (;;) {
        const page = search.over() ? [] : this.#guarded(day, search, () => places(day, before, limit + 1));
        for (const ref of page) {
          if (search.over()) return;
          search.looked++;
          const message = this.#feed.message(ref);
          if (message && (channel === undefined || message.channel === channel)) yield message;
        }
        if (page.length <= limit) break;
        before = page.at(-1)!.seq;
      }
    }
  }

  #places(day: string, term: string, channel: number | undefined, before: number, limit: number) {
    const recent = this.#indexer.recent.find(day, term, channel, before, limit);
    if (!this.#indexer.files.has(day)) return recent;
    const written = this.#indexer.files.find(day, term, channel, before, limit);
    if (recent.length === 0) return written;
    const all = new Map([...recent, ...written].map((ref) => [ref.seq, ref]));
    return [...all.values()].sort((a, b) => b.seq - a.seq).slice(0, limit);
  }

  #textIn(text: string): (day: string, before: number, limit: number) => readonly MessageRef[] {
    const { freeText } = this.#indexer;
    if (!freeText)
      throw new HubError(
        'not-allowed',
        'permanent',
        'finding text: search.freeText is off in the settings of this hub',
      );
    if ([...text.trim()].length < shortestText)
      throw new HubError('not-allowed', 'permanent', `finding text: at least ${shortestText} characters are needed`);
    return (day, before, limit) => freeText.find(day, text.trim(), undefined, before, limit);
  }

  #hasText({ raw, meta }: FeedMessage, text: string): boolean {
    if (!raw) return false;
    return this.#extractor.text({ raw, meta }).toLowerCase().includes(text.trim().toLowerCase());
  }

  /** Adds what the hits are replays of, and were replayed as; what they came from by a topic, and what came of them there. */
  #join(hits: Map<string, Hit>, limit: number, search: OneSearch): void {
    for (const { ref, id } of hits.values()) {
      if (search.over()) return;
      const message = this.#feed.message(ref);
      const summary = this.#feed.summary(ref);
      if (!message || !summary) continue;
      const joined: readonly (readonly [Hop['by'], readonly (MessageRef | undefined)[]])[] = [
        ['replay', [summary.replayOf ? this.#feed.ref(summary.replayOf) : undefined, ...this.#feed.replaysOf(id)]],
        ['topic', this.#extractor.origins(message.meta).map((origin) => this.#feed.ref(origin))],
        ['topic', this.#cameFrom(message, search)],
      ];
      for (const [by, refs] of joined) {
        for (const each of refs) {
          const other = each && this.#feed.summary(each);
          if (!other || hits.has(other.id)) continue;
          if (hits.size >= limit) {
            search.more = true;
            return;
          }
          // Added at the end of the map, so it has its turn.
          hits.set(other.id, { ref: each, id: other.id, by });
        }
      }
    }
  }

  #cameFrom({ id, receivedAt }: FeedMessage, search: OneSearch): readonly MessageRef[] {
    const term = originTerm(id);
    const first = dayOf(receivedAt);
    const days = this.#indexer.days().filter((day) => day >= first);
    return days
      .slice(0, originDays)
      .flatMap((day) =>
        this.#guarded(day, search, () => this.#places(day, term, undefined, Number.MAX_SAFE_INTEGER, 100)),
      );
  }

  #hop({ ref, by }: Hit): Hop | undefined {
    const summary = this.#feed.summary(ref);
    const message = this.#feed.message(ref);
    if (!summary || !message) return undefined;
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

  /** A damaged file is made again, and for the time being finds nothing. */
  #guarded(day: string, search: OneSearch, read: () => readonly MessageRef[]): readonly MessageRef[] {
    try {
      return read();
    } catch (thrown) {
      if (!(thrown instanceof DamagedFile)) throw thrown;
      this.#indexer.doubt(day);
      search.more = true;
      return [];
    }
  }
}

class OneSearch {
  more = false;
  looked = 0;
  readonly #until = performance.now() + mostMs;

  /** Whether it has looked for long enough. */
  over(): boolean {
    const over = this.looked > mostLooked || performance.now() > this.#until;
    if (over) this.more = true;
    return over;
  }
}
