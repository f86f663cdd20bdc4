import { openEmbeddedLog } from '../core/events/embedded-log.ts';
import type { Arrivals } from './arrivals.ts';
import { readControlId } from './frame.ts';

/** Everything in a topic of an event log that nobody else has open, in order within each key. */
export async function readTopic(directory: string, topic: string): Promise<Arrivals> {
  const arrivals: Arrivals = { keys: [], numbers: [], at: [], lives: [] };
  await using log = await openEmbeddedLog({
    directory,
    now: Date.now,
    onError: (error) => console.error(error.message),
  });
  const status = (await log.status()).find((each) => each.topic === topic);
  let left = status?.events ?? 0;
  if (left === 0) return arrivals;
  const read = new AbortController();
  await log.consume(
    { topic, group: 'chaos', maxBatch: 1_000, from: 'earliest', signal: read.signal },
    async ({ events }) => {
      for (const { value, at } of events) {
        const { key, n } = readControlId(Buffer.from(value).toString('latin1', 0, 256).split('|', 10)[9]!);
        arrivals.keys.push(key);
        arrivals.numbers.push(n);
        arrivals.at.push(at);
        arrivals.lives.push(0);
      }
      left -= events.length;
      if (left <= 0) read.abort();
    },
  );
  return arrivals;
}
