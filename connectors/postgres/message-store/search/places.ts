import { storable } from '../../../../clients/postgres/copy-rows.ts';
import { numbers, texts } from '../../../../clients/postgres/quote.ts';
import { HubError } from '../../../../core/errors.ts';
import type { AtPath } from '../../../../core/search/extractor.ts';
import type { FeedMessage, MessageRef } from '../../../../core/search/feed.ts';
import type { IndexReads, PlacePages, Within } from '../../../../core/search/finder.ts';
import type { Look } from '../../../../core/search/look.ts';
import { normalised, originTerm } from '../../../../core/search/normalise.ts';
import type { SearchQuery } from '../../../../core/search/search-index.ts';
import { slotOf } from '../schema.ts';
import type { BoundedSession } from './bounded.ts';
import { askedTrigrams, placeNumber } from './numbered.ts';

/** Candidates that one question to an array index answers with: it cannot go on where it ended, so a page is large. */
const candidatePage = 5_000;
const mostCameFrom = 1_000;
/** Clocks are set back now and then: times rise with seq but for this much. */
const slackMs = 3_600_000;

interface Range {
  readonly first: number;
  readonly last: number;
}

/** Finds places in the tables of the index. */
export class PostgresPlaces implements IndexReads {
  readonly #session: BoundedSession;
  readonly #quoted: string;
  readonly #channels: readonly number[];
  readonly #freeText: boolean;

  /** `channels` are those that the store has messages of. */
  constructor(session: BoundedSession, quoted: string, channels: readonly number[], freeText: boolean) {
    this.#session = session;
    this.#quoted = quoted;
    this.#channels = channels;
    this.#freeText = freeText;
  }

  identifiers(term: string, within: Within, look: Look): PlacePages {
    return this.#ofTerm(storable(term), within, look);
  }

  text(text: string, within: Within, look: Look): PlacePages {
    if (!this.#freeText) throw notAllowed('finding text: search.freeText is off in the settings of this hub');
    const asked = numbers(askedTrigrams(text), 'int2');
    return this.#candidates('search_text', `trigrams @> ${asked}`, within, look);
  }

  at(question: AtPath, { text }: SearchQuery, within: Within, look: Look): PlacePages {
    const { places, isIdentifier } = question;
    if (places.length > 0) {
      const asked = numbers(places.map(placeNumber), 'int4');
      return this.#candidates('search_path', `places @> ${asked}`, within, look);
    }
    const term = normalised(text);
    if (isIdentifier && term !== undefined) return this.#ofTerm(storable(term), within, look);
    throw notAllowed('finding by path: nothing that stands there is indexed');
  }

  async cameFrom(messages: readonly FeedMessage[], look: Look): Promise<readonly MessageRef[]> {
    if (messages.length === 0) return [];
    const terms = texts(messages.map(({ id }) => originTerm(id)));
    const first = Math.min(...messages.map(({ seq }) => seq));
    const rows = await this.#session.tryAsk(
      `SELECT seq, channel FROM ${this.#quoted}.search_term WHERE term = ANY(${terms}) AND seq > ${first} ORDER BY seq LIMIT ${mostCameFrom}`,
    );
    if (rows.length === mostCameFrom) look.more = true;
    return refsOf(rows);
  }

  async *#ofTerm(term: string, within: Within, look: Look): AsyncGenerator<readonly MessageRef[]> {
    const { first, last } = await this.#range(within);
    for (let before = last + 1; !look.over(); ) {
      const rows = await this.#session.tryAsk(
        `SELECT seq, channel FROM ${this.#quoted}.search_term
         WHERE term = $1 AND seq >= ${first} AND seq < ${before} ${inChannel(within)} ORDER BY seq DESC LIMIT ${within.limit}`,
        [term],
      );
      if (rows.length > 0) yield refsOf(rows);
      if (rows.length < within.limit) return;
      before = Number(rows.at(-1)![0]);
    }
  }

  /** Partition by partition, the newest first: an array index gives no order. */
  async *#candidates(
    table: 'search_path' | 'search_text',
    has: string,
    within: Within,
    look: Look,
  ): AsyncGenerator<readonly MessageRef[]> {
    const { first, last } = await this.#range(within);
    const slots = await this.#session.ask(
      `SELECT slot FROM ${this.#quoted}.search_slot WHERE slot BETWEEN ${slotOf(first)} AND ${slotOf(last)} ORDER BY slot DESC`,
    );
    for (const [slot] of slots) {
      for (let before = last + 1; !look.over(); ) {
        // Materialised: a walk along the newest seqs until enough have it would be long where few have.
        const rows = await this.#session.tryAsk(
          `WITH f AS MATERIALIZED (SELECT seq, channel FROM ${this.#quoted}.${table}_${Number(slot)} WHERE ${has})
           SELECT seq, channel FROM f WHERE seq >= ${first} AND seq < ${before} ${inChannel(within)}
           ORDER BY seq DESC LIMIT ${candidatePage}`,
        );
        if (rows.length > 0) yield refsOf(rows);
        if (rows.length < candidatePage) break;
        before = Number(rows.at(-1)![0]);
      }
    }
  }

  /** Seqs outside of which nothing was received in the time. */
  async #range({ from, to }: Within): Promise<Range> {
    const end = Number.MAX_SAFE_INTEGER - 1;
    if (this.#channels.length === 0 || (from === undefined && to === undefined)) return { first: 0, last: end };
    const at = (time: number) => `${this.#quoted}.seq_at(c, 0, ${end}, ${Math.trunc(time)})`;
    const first = from === undefined ? '0' : `min(${at(from - slackMs)})`;
    const last = to === undefined ? `${end}` : `max(${at(to + slackMs)})`;
    const [row] = await this.#session.ask(
      `SELECT (${first})::int8, (${last})::int8 FROM unnest(${numbers(this.#channels, 'int4')}) c`,
    );
    return { first: Number(row?.[0]), last: Number(row?.[1]) };
  }
}

function inChannel({ channel }: Within): string {
  return channel === undefined ? '' : `AND channel = ${channel}`;
}

function refsOf(rows: readonly (readonly unknown[])[]): readonly MessageRef[] {
  return rows.map(([seq, channel]) => ({ seq: Number(seq), channel: Number(channel) }));
}

function notAllowed(message: string): HubError {
  return new HubError('not-allowed', 'permanent', message);
}
