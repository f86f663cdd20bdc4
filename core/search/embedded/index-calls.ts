import type { ModuleExport } from '../extractor.ts';
import type { Found, SearchQuery, SearchStatus } from '../search-index.ts';
import type { IndexerOptions } from './indexer.ts';

/** The first call, before every other. */
export interface Opening extends IndexerOptions {
  readonly pollMs: number;
}

/** What the thread of the index is started with: modules that it loads before it takes calls. */
export interface IndexModules {
  readonly feed: ModuleExport;
  readonly extractor: ModuleExport;
}

/** What the thread of the index does when asked; beside that it follows the store. */
export interface IndexCalls {
  open(opening: Opening): void;
  find(query: SearchQuery): Promise<Found>;
  status(now: number): SearchStatus;
  tidy(): void;
}
