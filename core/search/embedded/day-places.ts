import { HubError } from '../../errors.ts';
import type { AtPath } from '../extractor.ts';
import type { FeedMessage, MessageRef } from '../feed.ts';
import { type IndexReads, type PlacePages, shortestText, type Within } from '../finder.ts';
import type { Look } from '../look.ts';
import { dayOf, normalised, originTerm } from '../normalise.ts';
import type { SearchQuery } from '../search-index.ts';
import { DamagedFile } from './damage.ts';
import type { Indexer } from './indexer.ts';

/** Events are read within a week of their publication, or were not meant to be. */
const originDays = 8;

type Find = (day: string, before: number, limit: number) => readonly MessageRef[];

/** Finds places in the files of the days, and in what is not written to them yet. */
export class DayPlaces implements IndexReads {
  readonly #indexer: Indexer;

  constructor(indexer: Indexer) {
    this.#indexer = indexer;
  }

  identifiers(term: string, within: Within, look: Look): PlacePages {
    return this.#pages((day, before, limit) => this.#places(day, term, within.channel, before, limit), within, look);
  }

  text(text: string, within: Within, look: Look): PlacePages {
    const { freeText } = this.#indexer;
    if (!freeText) throw notAllowed('finding text: search.freeText is off in the settings of this hub');
    return this.#pages((day, before, limit) => freeText.find(day, text, undefined, before, limit), within, look);
  }

  /** Among free text where there is one, as that has every value; else only where the path's values are identifiers. */
  at(question: AtPath, { text }: SearchQuery, within: Within, look: Look): PlacePages {
    if (this.#indexer.freeText && [...question.text].length >= shortestText)
      return this.text(question.text, within, look);
    const term = normalised(text);
    if (question.isIdentifier && term !== undefined) return this.identifiers(term, within, look);
    throw notAllowed(
      this.#indexer.freeText
        ? `finding by path: at least ${shortestText} characters are needed where it is none of search.paths`
        : 'finding by path: it is none of search.paths, and search.freeText is off in the settings of this hub',
    );
  }

  async cameFrom(messages: readonly FeedMessage[], look: Look): Promise<readonly MessageRef[]> {
    const all = this.#indexer.days();
    return messages.flatMap(({ id, receivedAt }) => {
      const first = dayOf(receivedAt);
      const days = all.filter((day) => day >= first).slice(0, originDays);
      const places = (day: string) => this.#places(day, originTerm(id), undefined, Number.MAX_SAFE_INTEGER, 100);
      return days.flatMap((day) => this.#guarded(day, look, () => places(day)));
    });
  }

  async *#pages(find: Find, { from, to, limit }: Within, look: Look): AsyncGenerator<readonly MessageRef[]> {
    const first = from === undefined ? '' : dayOf(from);
    const last = to === undefined ? '9999' : dayOf(to);
    const { rebuilding } = this.#indexer;
    for (const day of this.#indexer.days().toReversed()) {
      if (day < first || day > last) continue;
      if (rebuilding.includes(day)) look.more = true;
      let before = Number.MAX_SAFE_INTEGER;
      for (;;) {
        const page = look.over() ? [] : this.#guarded(day, look, () => find(day, before, limit));
        if (page.length > 0) yield page;
        if (page.length < limit) break;
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

  /** A damaged file is made again, and for the time being finds nothing. */
  #guarded(day: string, look: Look, read: () => readonly MessageRef[]): readonly MessageRef[] {
    try {
      return read();
    } catch (thrown) {
      if (!(thrown instanceof DamagedFile)) throw thrown;
      this.#indexer.doubt(day);
      look.more = true;
      return [];
    }
  }
}

function notAllowed(message: string): HubError {
  return new HubError('not-allowed', 'permanent', message);
}
