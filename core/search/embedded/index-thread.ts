/** The index's thread: follows the store, answers searches. Both go by turns, so a search waits for a step at the most. */
import { workerData } from 'node:worker_threads';
import { serve } from '../../worker/serve.ts';
import { type Extractor, loadExport } from '../extractor.ts';
import type { Feed } from '../feed.ts';
import { Finder } from '../finder.ts';
import { searchError } from './damage.ts';
import { DayPlaces } from './day-places.ts';
import { FeedReads } from './feed-reads.ts';
import type { IndexCalls, IndexModules } from './index-calls.ts';
import { Indexer } from './indexer.ts';

const retryMs = 5_000;
const tidyEveryMs = 60 * 60_000;

const { feed: ofFeed, extractor: ofExtractor } = workerData as IndexModules;
const makeFeed = await loadExport<Feed>(ofFeed);
const makeExtractor = await loadExport<Extractor>(ofExtractor);

let indexer: Indexer | undefined;
let finder: Finder | undefined;
let timer: NodeJS.Timeout | undefined;
let tidyAt = performance.now() + tidyEveryMs;

serve<IndexCalls>(
  {
    open({ pollMs, ...options }) {
      const extractor = makeExtractor();
      const feed = makeFeed();
      indexer = new Indexer(options, feed, extractor);
      finder = new Finder(new FeedReads(feed), new DayPlaces(indexer), extractor);
      timer = setTimeout(follow, pollMs, indexer, pollMs);
    },
    find: async (query) => {
      const indexedUpTo = indexer!.indexedUpTo();
      return { ...(await finder!.find(query)), ...(indexedUpTo !== undefined && { indexedUpTo }) };
    },
    status: (now) => indexer!.status(now),
    tidy: () => indexer!.tidy(),
  },
  (thrown, call) => searchError(thrown, call === 'open' ? 'opening the search index' : 'searching'),
  () => {
    clearTimeout(timer);
    indexer?.[Symbol.dispose]();
  },
);

function follow(indexer: Indexer, pollMs: number): void {
  const started = performance.now();
  let pause = pollMs;
  try {
    // A pause as long as the step was busy: the rest of the hub has at least half of a core.
    const before = busyMs();
    if (indexer.step()) pause = busyMs() - before;
    if (started > tidyAt) {
      tidyAt = started + tidyEveryMs;
      indexer.tidy();
    }
  } catch (thrown) {
    indexer.failed(thrown);
    pause = retryMs;
  }
  timer = setTimeout(follow, pause, indexer, pollMs);
}

function busyMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
