import type { PostgresSession } from '../../../../clients/postgres/session.ts';
import { HubError } from '../../../../core/errors.ts';
import type { Extractor } from '../../../../core/search/extractor.ts';
import { Finder } from '../../../../core/search/finder.ts';
import { Look } from '../../../../core/search/look.ts';
import type { Found, SearchQuery, SearchStatus } from '../../../../core/search/search-index.ts';
import type { Names } from '../names.ts';
import type { Settings } from '../options.ts';
import { Readers } from '../readers.ts';
import { BoundedSession, looksAfterConnections } from './bounded.ts';
import { PostgresPlaces } from './places.ts';
import { PostgresReads } from './reads.ts';

/** Searches and figures at once; others wait. */
const readers = 2;
const openCounted = 100_000;

/** Answers searches from the tables of the index, which any hub on the store may have filled. */
export class Searching {
  readonly #settings: Settings;
  readonly #quoted: string;
  readonly #names: Names;
  readonly #extractor: Extractor;
  readonly #freeText: boolean;
  readonly #searchMs: number;
  readonly #readers: Readers;
  #looksAfter: boolean | undefined;

  constructor(
    settings: Settings,
    quoted: string,
    names: Names,
    extractor: Extractor,
    bounds: { readonly freeText: boolean; readonly searchMs: number },
  ) {
    this.#settings = settings;
    this.#quoted = quoted;
    this.#names = names;
    this.#extractor = extractor;
    this.#freeText = bounds.freeText;
    this.#searchMs = bounds.searchMs;
    this.#readers = new Readers({ ...settings, readers });
  }

  find(query: SearchQuery, signal: AbortSignal): Promise<Found> {
    return this.#read(async (session) => {
      this.#looksAfter ??= await looksAfterConnections(session);
      const look = new Look(this.#searchMs, signal);
      return await BoundedSession.run(session, look, this.#looksAfter, (bounded) => this.#find(bounded, query, look));
    });
  }

  status(now: number): Promise<Omit<SearchStatus, 'unread' | 'error'>> {
    return this.#read(async (session) => {
      const reads = new PostgresReads(session, this.#quoted, this.#names);
      const [row] = await session.ask(
        `SELECT p.seq, (SELECT count(*) FROM ${this.#quoted}.search_slot),
           (SELECT count(*) FROM (SELECT FROM ${this.#quoted}.search_open LIMIT ${openCounted}) o),
           (SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::int8 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = $1 AND c.relkind = 'r' AND c.relname LIKE 'search\\_%')
         FROM ${this.#quoted}.search_position p`,
        [this.#settings.schema],
      );
      const [position, days, open, bytes] = (row ?? []).map(Number) as [number, number, number, number];
      const next = await reads.next(await reads.channels(), position);
      const lagMs = next ? Math.max(0, now - next.receivedAt) : 0;
      return { lagMs, position, open, days, bytes, rebuilding: [] };
    });
  }

  close(): Promise<void> {
    return this.#readers.close();
  }

  async #find(session: BoundedSession, query: SearchQuery, look: Look): Promise<Found> {
    await this.#names.read(session);
    const reads = new PostgresReads(session, this.#quoted, this.#names);
    const channels = await reads.channels();
    const [row] = await session.ask(`SELECT seq FROM ${this.#quoted}.search_position`);
    const next = await reads.next(channels, Number(row?.[0]));
    const places = new PostgresPlaces(session, this.#quoted, channels, this.#freeText);
    const found = await new Finder(reads, places, this.#extractor).find(query, look);
    return { ...found, ...(next && { indexedUpTo: next.receivedAt }) };
  }

  async #read<T>(work: (session: PostgresSession) => Promise<T>): Promise<T> {
    try {
      return await this.#readers.read(work);
    } catch (thrown) {
      if (!(thrown instanceof HubError) || thrown.code !== 'store-failed') throw thrown;
      throw new HubError('search-failed', thrown.kind, thrown.message, { cause: thrown });
    }
  }
}
