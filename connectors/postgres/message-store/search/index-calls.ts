import type { PostgresServer } from '../../../../clients/postgres/server.ts';
import type { ModuleExport } from '../../../../core/search/extractor.ts';
import type { Found, SearchQuery, SearchStatus } from '../../../../core/search/search-index.ts';

/** The first call, before every other. */
export interface Opening {
  readonly server: PostgresServer;
  readonly schema: string;
  readonly hub: string;
  readonly freeText: boolean;
  readonly pollMs: number;
  readonly searchMs: number;
}

export interface Opened {
  /** Free text was switched on or off, for every hub on the store. */
  readonly freeTextChanged: boolean;
}

/** What the thread of the index is started with. */
export interface IndexModules {
  readonly extractor: ModuleExport;
}

/** What the thread of the index does when asked; beside that it follows the store. */
export interface IndexCalls {
  open(opening: Opening): Promise<Opened>;
  /** `number` names the search, so that it can be given up. */
  find(search: { readonly number: number; readonly query: SearchQuery }): Promise<Found>;
  giveUp(number: number): void;
  status(now: number): Promise<SearchStatus>;
  tidy(): Promise<void>;
}
