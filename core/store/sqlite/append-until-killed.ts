/** A process for tests: appends one message after another and prints each acknowledged seq. Arguments: directory, how many. */
import { printNow } from '../../testing/print-now.ts';
import { appendOne } from '../../testing/store-fixture.ts';
import { openSqliteStore } from './sqlite-store.ts';

const [directory = '', count = 'Infinity'] = process.argv.slice(2);
try {
  await using store = await openSqliteStore({ directory, now: Date.now, lowWaterBytes: 0, reserveBytes: 0 });
  for (let index = 0; index < Number(count); index++) {
    printNow('calling');
    printNow(`${await appendOne(store)}`);
  }
} catch (thrown) {
  printNow(`${(thrown as { code?: string }).code}`);
}
