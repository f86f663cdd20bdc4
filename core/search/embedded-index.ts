import { HubError } from '../errors.ts';
import { CallThread } from '../worker/call-thread.ts';
import type { IndexCalls, IndexModules } from './embedded/index-calls.ts';
import type { Found, SearchIndex, SearchQuery, SearchStatus } from './search-index.ts';

export interface EmbeddedIndexOptions extends IndexModules {
  /** Made where it is not there. One index at a time has it: that of the hub that has the store open. */
  readonly directory: string;
  readonly now: () => number;
  /** False if not given. */
  readonly freeText?: boolean;
  /** Nothing is written while the disk has less free than this. 0 if not given. */
  readonly lowWaterBytes?: number;
  /** How often it looks for what is new, while there is nothing. 200 ms. */
  readonly pollMs?: number;
  /** Rows, about eight a message, that gather in memory before they are written. 400,000, which is 20 MB. */
  readonly memoryRows?: number;
}

/**
 * Opens the embedded index: a thread of its own that follows the store and keeps a SQLite file for each day of receipt, written
 * without fsync. Whatever is in doubt, a file that is damaged, cut off, or was being written when the machine stopped, is removed and
 * made again from the store while everything else goes on. To have all of it made again, remove the folder while the hub is stopped.
 *
 * Rejects with `search-failed`, and with what the extractor's module throws.
 */
export async function openEmbeddedIndex(options: EmbeddedIndexOptions): Promise<EmbeddedIndex> {
  const {
    directory,
    feed,
    extractor,
    freeText = false,
    lowWaterBytes = 0,
    pollMs = 200,
    memoryRows = 400_000,
  } = options;
  const thread = new CallThread<IndexCalls>(
    new URL('./embedded/index-thread.ts', import.meta.url),
    { name: 'search-index', workerData: { feed, extractor } satisfies IndexModules },
    lostError,
  );
  try {
    await thread.call('open', { directory, freeText, lowWaterBytes, pollMs, memoryRows });
  } catch (thrown) {
    await thread.terminate();
    throw thrown;
  }
  return new EmbeddedIndex(thread, options.now);
}

export class EmbeddedIndex implements SearchIndex {
  readonly failed: Promise<HubError>;
  readonly #thread: CallThread<IndexCalls>;
  readonly #now: () => number;

  constructor(thread: CallThread<IndexCalls>, now: () => number) {
    this.#thread = thread;
    this.#now = now;
    this.failed = thread.lost;
  }

  /** A search takes a second at the most, so it is not given up within the thread. */
  async find(query: SearchQuery, signal?: AbortSignal): Promise<Found> {
    const found = await this.#thread.call('find', query);
    if (signal?.aborted) throw new HubError('search-failed', 'permanent', 'searching: nobody waits for it any more');
    return found;
  }

  status(): Promise<SearchStatus> {
    return this.#thread.call('status', this.#now());
  }

  /** Forgets what the store has pruned. It does so by itself once an hour. */
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
