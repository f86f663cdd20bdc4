/** The index's thread: follows the store when no other hub does, and answers searches meanwhile. */
import { workerData } from 'node:worker_threads';
import { identifier } from '../../../../clients/postgres/quote.ts';
import { asHubError, HubError } from '../../../../core/errors.ts';
import type { Extractor } from '../../../../core/search/extractor.ts';
import { loadExport } from '../../../../core/search/extractor.ts';
import { serve } from '../../../../core/worker/serve.ts';
import { storeError } from '../errors.ts';
import { Names } from '../names.ts';
import { connected } from '../opening.ts';
import { settingsOf } from '../options.ts';
import { Follower } from './follower.ts';
import type { IndexCalls, IndexModules, Opening } from './index-calls.ts';
import { Searching } from './searching.ts';

const { extractor: ofExtractor } = workerData as IndexModules;
const makeExtractor = await loadExport<Extractor>(ofExtractor);

let follower: Follower | undefined;
let searching: Searching | undefined;
const searches = new Map<number, AbortController>();

serve<IndexCalls>(
  {
    async open(opening) {
      const extractor = makeExtractor();
      const { server, schema, hub, freeText, pollMs, searchMs } = opening;
      const settings = settingsOf({ server, schema, hub, now: Date.now });
      const quoted = identifier(schema);
      const freeTextChanged = await setFreeText(opening, quoted);
      searching = new Searching(settings, quoted, new Names(quoted), extractor, { freeText, searchMs });
      follower = new Follower(settings, quoted, new Names(quoted), extractor, pollMs);
      return { freeTextChanged };
    },
    async find({ number, query }) {
      const controller = new AbortController();
      searches.set(number, controller);
      try {
        return await searching!.find(query, controller.signal);
      } finally {
        searches.delete(number);
      }
    },
    giveUp: (number) => searches.get(number)?.abort(),
    async status(now) {
      const { error, unread } = follower!;
      return { ...(await searching!.status(now)), unread, ...(error !== undefined && { error }) };
    },
    tidy: () => follower!.tidy(),
  },
  (thrown, call) => {
    if (thrown instanceof HubError) return thrown;
    const doing = call === 'open' ? 'opening the search index' : 'searching';
    return asHubError(storeError(thrown, doing), 'search-failed', doing, 'transient');
  },
  async () => {
    await follower?.close();
    await searching?.close();
  },
);

/** The hub that was opened last says it for all hubs on the store. What was indexed goes when it is switched off. */
async function setFreeText({ server, schema, hub, freeText }: Opening, quoted: string): Promise<boolean> {
  const session = await connected(settingsOf({ server, schema, hub, now: Date.now }));
  try {
    await session.ask('BEGIN');
    const changed = await session.ask(
      `UPDATE ${quoted}.search_position SET free_text = $1 WHERE free_text <> $1 RETURNING seq`,
      [freeText],
    );
    if (changed.length > 0 && !freeText) await session.ask(`TRUNCATE ${quoted}.search_text`);
    await session.ask('COMMIT');
    return Number(changed[0]?.[0] ?? 0) > 0;
  } finally {
    await session.close();
  }
}
