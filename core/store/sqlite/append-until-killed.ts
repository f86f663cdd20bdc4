/** A process for tests: appends one message after another and prints each acknowledged seq. Arguments: directory, how many. */
import { writeSync } from 'node:fs';
import { appendOne } from '../../testing/store-fixture.ts';
import { openSqliteStore } from './sqlite-store.ts';

const [directory = '', count = 'Infinity'] = process.argv.slice(2);
try {
  await using store = await openSqliteStore({ directory, now: Date.now, lowWaterBytes: 0, reserveBytes: 0 });
  for (let index = 0; index < Number(count); index++) {
    writeSync(1, 'calling\n');
    writeSync(1, `${await appendOne(store)}\n`);
  }
} catch (thrown) {
  writeSync(1, `${(thrown as { code?: string }).code}\n`);
}
