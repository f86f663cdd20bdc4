// A process of its own for the crash test of the embedded event log: publishes with many in flight and prints each id once it
// is durable, until it is killed. Arguments: directory, a label for its ids.
import { openEmbeddedLog } from '../events/embedded-log.ts';
import { printNow } from './print-now.ts';

const [directory, label] = process.argv.slice(2) as [string, string];
const log = await openEmbeddedLog({
  directory,
  now: Date.now,
  onError: (error) => {
    throw error;
  },
});
await log.declare({ name: 'killed.v1', partitions: 4, retentionMs: 3_600_000 });

async function publishKey(key: string): Promise<never> {
  for (let n = 0; ; n++) {
    const id = `${label}/${key}/${n}`;
    await log.publish('killed.v1', [{ key, value: new Uint8Array(500), id, headers: {} }]);
    printNow(id);
  }
}
await Promise.all(Array.from({ length: 20 }, (_, n) => publishKey(`key${n}`)));
