import { Gauge, type Registry } from 'prom-client';
import type { SearchIndex, SearchStatus } from '../../core/search/search-index.ts';

/** How the index stands; undefined where there is none, or it does not answer any more. */
export async function searchStatus(search: Promise<SearchIndex> | undefined): Promise<SearchStatus | undefined> {
  try {
    return await (await search)?.status();
  } catch {
    return undefined;
  }
}

/** Figures of the search index; what it returns sets them. */
export function searchFigures(search: Promise<SearchIndex> | undefined, registry: Registry): () => Promise<void> {
  if (!search) return async () => undefined;
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers: [registry] });
  const answers = gauge('weir_search_answers', '1 while the search index answers, else 0: nothing can be found then.');
  const lag = gauge('weir_search_lag_seconds', 'Age of the oldest message that the search index has not read.');
  const position = gauge('weir_search_position', 'Every message up to this seq is in the search index.');
  const bytes = gauge('weir_search_bytes', 'Bytes that the search index takes on disk.');
  const rebuilding = gauge('weir_search_days_rebuilding', 'Days whose file is being made again from the store.');
  return async () => {
    const status = await searchStatus(search);
    answers.set(status ? 1 : 0);
    if (!status) return;
    lag.set(status.lagMs / 1_000);
    position.set(status.position);
    bytes.set(status.bytes);
    rebuilding.set(status.rebuilding.length);
  };
}
