import type { Consumer } from '@platformatic/kafka';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Fetching } from './fetching.ts';
import { Lane } from './lane.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const topic = 'adt';
const nothingNew = { responses: [] };

/** A consumer of a topic whose partitions have two leaders; `hangs` is the one that takes requests and does not answer. */
function cluster(hangs: number) {
  const held: (() => void)[] = [];
  const partitions = [{ leader: 1 }, { leader: 2 }];
  const consumer = {
    metadata: async () => ({ topics: new Map([[topic, { id: 'T', partitions }]]) }),
    fetch: async ({ node }: { readonly node: number }) => {
      if (node === hangs) await new Promise<void>((resolve) => held.push(resolve));
      else await new Promise((resolve) => setTimeout(resolve, 250));
      return nothingNew;
    },
    close: async () => undefined,
  };
  const answer = () => {
    hangs = 0;
    for (const resolve of held.splice(0)) resolve();
  };
  return { consumer: consumer as unknown as Consumer, answer };
}

const laneOf = (partition: number) =>
  new Lane({
    ...{ topic, partition, start: 0n, maxBatch: 1, pauses: { firstMs: 1, maxMs: 1 } },
    ...{ handler: async () => undefined, done: () => undefined, hungry: () => undefined },
  });

it('tells after 3 s of a broker that has not answered, once, and that all is well when it has', async () => {
  const { consumer, answer } = cluster(2);
  const told: string[] = [];
  const fetching = new Fetching({
    ...{ consumers: [consumer], topics: [topic], isolationLevel: 1, oldest: -2n },
    ...{ partitionBytes: 1_024, maxBytes: 1_024, waitMs: 250 },
    onTrouble: (thrown) => void told.push((thrown as Error).message),
    onFetched: () => void (told.at(-1) === 'well' || told.push('well')),
  });
  fetching.serve([laneOf(0), laneOf(1)]);
  await vi.advanceTimersByTimeAsync(2_900);
  expect(told).toEqual(['well']);
  await vi.advanceTimersByTimeAsync(5_000);
  // The other broker answers all the while.
  expect(told).toEqual(['well', 'no answer yet']);
  answer();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(told).toEqual(['well', 'no answer yet', 'well']);
  await fetching.close();
});
