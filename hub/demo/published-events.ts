import type { EventLog, StoredEvent } from '../../core/events/event-log.ts';

/** Each look at a topic begins at its beginning. */
let reads = 0;

/** Shows every event that a topic has now, in the order of its partitions. */
export async function eachEvent(log: EventLog, topic: string, show: (event: StoredEvent) => void): Promise<void> {
  const size = (await log.status()).find((each) => each.topic === topic)?.events ?? 0;
  if (size === 0) return;
  const read = new AbortController();
  let seen = 0;
  const options = {
    topic,
    group: `demo-check-${++reads}`,
    maxBatch: 500,
    from: 'earliest',
    signal: read.signal,
  } as const;
  await log.consume(options, async ({ events }) => {
    for (const event of events) show(event);
    seen += events.length;
    if (seen >= size) read.abort();
  });
}
