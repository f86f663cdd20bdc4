import type { PostgresServer } from '../../../../clients/postgres/server.ts';
import type { Log } from '../../../../core/component.ts';
import { HubError } from '../../../../core/errors.ts';
import type { ModuleExport } from '../../../../core/search/extractor.ts';
import type { Found, SearchIndex, SearchQuery, SearchStatus } from '../../../../core/search/search-index.ts';
import { CallThread } from '../../../../core/worker/call-thread.ts';
import type { IndexCalls, IndexModules } from './index-calls.ts';

export interface PostgresIndexOptions {
  readonly server: PostgresServer;
  readonly hub: string;
  readonly now: () => number;
  readonly extractor: ModuleExport;
  readonly log?: Log;
  /** Schema of the store. `weir`. */
  readonly schema?: string;
  /** False if not given. What the hub says that was opened last holds for all on the store. */
  readonly freeText?: boolean;
  /** How often it looks for what is new, while there is nothing. 200 ms. */
  readonly pollMs?: number;
  /** How long a search looks on, and a statement of it may take. 3 s. */
  readonly searchMs?: number;
}

/**
 * Opens the search index of a store that `openPostgresStore` has open: tables beside the store's, filled by a thread of one hub at a
 * time, below what may still be committed, and read by all. Rejects with `search-failed`, and with what the extractor's module throws.
 */
export async function openPostgresIndex(options: PostgresIndexOptions): Promise<PostgresIndex> {
  const { server, hub, schema = 'weir', freeText = false, pollMs = 200, searchMs = 3_000, extractor, log } = options;
  const thread = new CallThread<IndexCalls>(
    new URL('./index-thread.ts', import.meta.url),
    { name: 'search-index', workerData: { extractor } satisfies IndexModules },
    lostError,
  );
  try {
    const { freeTextChanged } = await thread.call('open', { server, hub, schema, freeText, pollMs, searchMs });
    if (freeTextChanged)
      log?.warn({}, `search.freeText is ${freeText ? 'on' : 'off'} from now on, for every hub on this store`);
  } catch (thrown) {
    await thread.terminate();
    throw thrown;
  }
  return new PostgresIndex(thread, options.now);
}

export class PostgresIndex implements SearchIndex {
  readonly failed: Promise<HubError>;
  readonly #thread: CallThread<IndexCalls>;
  readonly #now: () => number;
  #searches = 0;

  constructor(thread: CallThread<IndexCalls>, now: () => number) {
    this.#thread = thread;
    this.#now = now;
    this.failed = thread.lost;
  }

  async find(query: SearchQuery, signal?: AbortSignal): Promise<Found> {
    const number = ++this.#searches;
    const found = this.#thread.call('find', { number, query });
    const giveUp = () => void this.#thread.call('giveUp', number).catch(() => undefined);
    if (signal?.aborted) giveUp();
    signal?.addEventListener('abort', giveUp);
    try {
      return await found;
    } finally {
      signal?.removeEventListener('abort', giveUp);
    }
  }

  status(): Promise<SearchStatus> {
    return this.#thread.call('status', this.#now());
  }

  /** Forgets what the store has pruned message by message. It does so by itself once an hour. */
  tidy(): Promise<void> {
    return this.#thread.call('tidy', undefined);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#thread.close();
  }
}

function lostError(what: string, cause?: unknown): HubError {
  return new HubError('search-failed', 'transient', `calling the search index: ${what}`, { cause });
}
