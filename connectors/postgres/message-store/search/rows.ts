import type { Statement } from '../../../../clients/postgres/batch.ts';
import { CopyRows } from '../../../../clients/postgres/copy-rows.ts';
import { numbers } from '../../../../clients/postgres/quote.ts';
import type { Extractor } from '../../../../core/search/extractor.ts';
import type { FeedMessage } from '../../../../core/search/feed.ts';
import { addTerms } from '../../../../core/search/terms.ts';
import type { ContentLevel } from '../../../../core/store/message-store.ts';
import { slotOf } from '../schema.ts';
import { arrayBytes, placeNumber, trigramsOf } from './numbered.ts';
import { searchTables } from './partitions.ts';

const columns = {
  search_term: ['term', 'seq', 'channel'],
  search_path: ['seq', 'channel', 'places'],
  search_text: ['seq', 'channel', 'trigrams'],
} as const;

/** What was looked at of a message before its first pass ended. */
export interface Before {
  readonly withContent: boolean;
}

/**
 * Rows of the index for a page of messages. Of a channel with `content: metadata` only meta is looked at. Whether a channel is one its
 * last settlement says, and, for a message whose pass has not ended, that of a message before it; where there is none, the message's
 * content waits for its own.
 */
export class PageRows {
  /** Messages at which the extractor threw: they are found by less than they should be. */
  unread = 0;
  readonly #quoted: string;
  readonly #extractor: Extractor;
  readonly #levels: Map<number, ContentLevel>;
  readonly #freeText: boolean;
  readonly #copies = new Map<string, CopyRows>();
  readonly #open: CopyRows;
  readonly #closed: number[] = [];
  readonly #takenBack: number[] = [];
  readonly #messages = new Map<number, number>();

  /** `levels` is the content level of each channel; it is kept up to date. */
  constructor(quoted: string, extractor: Extractor, levels: Map<number, ContentLevel>, freeText: boolean) {
    this.#quoted = quoted;
    this.#extractor = extractor;
    this.#levels = levels;
    this.#freeText = freeText;
    this.#open = new CopyRows(`${quoted}.search_open`, ['seq', 'channel', 'with_content']);
  }

  /** With `before` for a message that is in the index, and whose first pass has ended since. */
  add(message: FeedMessage, before?: Before): void {
    const { seq, channel, settled } = message;
    if (settled?.level) this.#levels.set(channel, settled.level);
    const withContent = (settled?.level ?? this.#levels.get(channel) ?? 'metadata') !== 'metadata';
    // It was looked at with its content, and none of that may be kept: what is indexed of it goes, and it is looked at anew.
    const anew = before?.withContent === true && settled?.level === 'metadata';
    if (anew) this.#takenBack.push(seq);
    if (before && settled) this.#closed.push(seq);
    if (!before) {
      const slot = slotOf(seq);
      this.#messages.set(slot, (this.#messages.get(slot) ?? 0) + 1);
      if (!settled) this.#addOpen(seq, channel, withContent);
    }
    const terms = new Set<string>();
    try {
      addTerms(terms, this.#extractor, message, { withContent, before: anew ? undefined : before });
      if (settled && withContent && message.raw) this.#addContent(message);
    } catch {
      // It holds up no other message.
      this.unread++;
    }
    const rows = this.#of('search_term', seq);
    for (const term of terms) {
      rows.row();
      rows.text(term);
      rows.int8(seq);
      rows.int4(channel);
    }
  }

  /** It is gone, and there is nothing more to be indexed of it. */
  forget(seq: number): void {
    this.#closed.push(seq);
  }

  /** Slots that get rows. */
  get slots(): readonly number[] {
    return [...new Set([...this.#copies.keys()].map((name) => Number(name.slice(name.lastIndexOf('_') + 1))))];
  }

  statements(): readonly Statement[] {
    const written = [...this.#copies.values(), this.#open].filter(({ rows }) => rows > 0);
    const back = numbers(this.#takenBack, 'int8');
    const deletes =
      this.#takenBack.length === 0 ? [] : searchTables.map((table) => `${table} WHERE seq = ANY(${back})`);
    if (this.#closed.length > 0) deletes.push(`search_open WHERE seq = ANY(${numbers(this.#closed, 'int8')})`);
    return [
      ...deletes.map((rows) => ({ text: `DELETE FROM ${this.#quoted}.${rows}` })),
      ...written.map((rows) => ({ text: rows.into, rows })),
      ...[...this.#messages].map(([slot, count]) => ({
        text: `UPDATE ${this.#quoted}.search_slot SET messages = messages + ${count} WHERE slot = ${slot}`,
      })),
    ];
  }

  #addContent(message: FeedMessage): void {
    const { seq, channel } = message;
    const places = this.#extractor.places(message);
    if (places.length > 0) {
      const rows = this.#of('search_path', seq);
      rows.row();
      rows.int8(seq);
      rows.int4(channel);
      rows.bytea(arrayBytes([...new Set(places.map(placeNumber))], 'int4'));
    }
    const text = this.#freeText ? this.#extractor.text(message) : '';
    if (text === '') return;
    const rows = this.#of('search_text', seq);
    rows.row();
    rows.int8(seq);
    rows.int4(channel);
    rows.bytea(arrayBytes(trigramsOf(text), 'int2'));
  }

  #addOpen(seq: number, channel: number, withContent: boolean): void {
    this.#open.row();
    this.#open.int8(seq);
    this.#open.int4(channel);
    // A boolean's binary form is one byte.
    this.#open.bytea(Uint8Array.of(withContent ? 1 : 0));
  }

  #of(table: keyof typeof columns, seq: number): CopyRows {
    const name = `${table}_${slotOf(seq)}`;
    let rows = this.#copies.get(name);
    if (!rows) this.#copies.set(name, (rows = new CopyRows(`${this.#quoted}.${name}`, columns[table])));
    return rows;
  }
}
