/** A process for tests: stores message after message beside an index that follows. Prints `text id` of each. Argument: directory. */
import { join } from 'node:path';
import { openSqliteStore } from '../../store/sqlite/sqlite-store.ts';
import { printNow } from '../../testing/print-now.ts';
import { bytesOf, newMessage, sentPart, seqOf, settlement } from '../../testing/store-fixture.ts';
import { openEmbeddedIndex } from '../embedded-index.ts';

const [directory = ''] = process.argv.slice(2);
const messages = join(directory, 'messages');
const store = await openSqliteStore({ directory: messages, now: Date.now, lowWaterBytes: 0, reserveBytes: 0 });
await openEmbeddedIndex({
  directory: join(directory, 'search'),
  now: Date.now,
  pollMs: 5,
  memoryRows: 500,
  feed: {
    module: new URL('../../store/sqlite/feed.ts', import.meta.url).href,
    name: 'sqliteFeed',
    options: { directory: messages },
  },
  extractor: { module: new URL('./words-extractor.ts', import.meta.url).href, name: 'wordsExtractor', options: {} },
});
for (let n = 0; ; n += 50) {
  const batch = Array.from({ length: 50 }, (_, at) => newMessage({ raw: bytesOf(`ID-${n + at}`) }));
  const appended = await store.append('adt', batch);
  await store.settle(
    'adt',
    appended.map((each) => settlement(seqOf(each), [sentPart('lab')])),
  );
  for (const { raw, id } of batch) printNow(`${Buffer.from(raw).toString()} ${id}`);
}
