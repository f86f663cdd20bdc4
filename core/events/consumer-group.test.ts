import { expect, test } from 'vitest';
import { HubError } from '../errors.ts';
import { ConsumerGroup } from './consumer-group.ts';
import type { ConsumeOptions, StoredEvent } from './event-log.ts';
import type { PartitionSource } from './partition-source.ts';

const event = (offset: number): StoredEvent => {
  return {
    topic: 't',
    partition: 0,
    offset,
    at: 0,
    key: 'k',
    id: String(offset),
    headers: {},
    value: new Uint8Array(1),
  };
};

/** One partition with five events, of which a test changes what it wants to see fail. */
function sourceOfFive(changes: Partial<PartitionSource> = {}): PartitionSource {
  return {
    start: async () => [0],
    end: () => 5,
    read: async (_topic, _partition, from, limit) => [0, 1, 2, 3, 4].slice(from, from + limit).map(event),
    commit: async () => undefined,
    ...changes,
  };
}

function groupOver(source: PartitionSource, errors: HubError[] = []): ConsumerGroup {
  return new ConsumerGroup(source, { topic: 't', group: 'g' }, [0], { firstMs: 5, maxMs: 20 }, (error) =>
    errors.push(error),
  );
}

function options(abort: AbortController, maxBatch = 1): ConsumeOptions {
  return { topic: 't', group: 'g', maxBatch, from: 'earliest', signal: abort.signal };
}

const failure = (kind: 'transient' | 'permanent') => new HubError('event-log-failed', kind, 'reading events: fault');

test('a read that fails is told and tried again, and no event is skipped', async () => {
  let reads = 0;
  const five = sourceOfFive();
  const errors: HubError[] = [];
  const group = groupOver(
    sourceOfFive({
      read: (...range) => (++reads % 2 === 1 ? Promise.reject(failure('transient')) : five.read(...range)),
    }),
    errors,
  );
  const abort = new AbortController();
  const seen: number[] = [];
  await group.consume(options(abort), async ({ events }) => {
    seen.push(events[0].offset);
    if (seen.length === 5) abort.abort();
  });
  expect(seen).toEqual([0, 1, 2, 3, 4]);
  expect(errors).toHaveLength(5);
  await group.close();
});

test('a log that is lost for good ends consuming with its error', async () => {
  const errors: HubError[] = [];
  const lost = sourceOfFive({ read: () => Promise.reject(failure('permanent')) });
  const group = groupOver(lost, errors);
  const consuming = group.consume(options(new AbortController()), async () => undefined);
  await expect(consuming).rejects.toMatchObject({ code: 'event-log-failed', kind: 'permanent' });
  expect(errors).toHaveLength(1);
  await group.close();
});

test('a consumer whose last offsets could not be committed ends with that error', async () => {
  const group = groupOver(sourceOfFive({ commit: () => Promise.reject(failure('transient')) }));
  const abort = new AbortController();
  const consuming = group.consume(options(abort, 5), async () => abort.abort());
  await expect(consuming).rejects.toMatchObject({ code: 'event-log-failed' });
  await group.close();
});

test('a commit that failed is made good by the next one, which is further on', async () => {
  const committed: number[] = [];
  let commits = 0;
  const source = sourceOfFive({
    commit: async (_topic, _group, _partition, next) => {
      if (++commits === 2) throw failure('transient');
      committed.push(next);
    },
  });
  const group = groupOver(source);
  const abort = new AbortController();
  await group.consume(options(abort), async ({ events }) => {
    if (events[0].offset === 4) abort.abort();
  });
  expect(commits).toBeGreaterThan(committed.length);
  expect(committed.at(-1)).toBe(5);
  expect(committed).toEqual(committed.toSorted());
  await group.close();
});

test('no batch waits for the commit of an offset, and what was passed meanwhile is committed at once', async () => {
  const committed: number[] = [];
  const slow = Promise.withResolvers<void>();
  const source = sourceOfFive({
    commit: async (_topic, _group, _partition, next) => {
      committed.push(next);
      await slow.promise;
    },
  });
  const group = groupOver(source);
  const abort = new AbortController();
  const all = Promise.withResolvers<void>();
  const consuming = group.consume(options(abort), async ({ events }) => {
    if (events[0].offset === 4) all.resolve();
  });
  await all.promise;
  expect(committed).toEqual([1]);
  abort.abort();
  slow.resolve();
  await consuming;
  expect(committed).toEqual([1, 5]);
  await group.close();
});

test('the pause after a rejection ends at once when another member joins', async () => {
  const group = new ConsumerGroup(
    sourceOfFive(),
    { topic: 't', group: 'g' },
    [0],
    { firstMs: 60_000, maxMs: 60_000 },
    () => {},
  );
  const [first, second] = [new AbortController(), new AbortController()];
  const failing = group.consume(options(first), async () => {
    first.abort();
    throw new Error('not now');
  });
  await failing;
  const seen: number[] = [];
  await group.consume(options(second, 5), async ({ events }) => {
    seen.push(...events.map(({ offset }) => offset));
    second.abort();
  });
  expect(seen).toEqual([0, 1, 2, 3, 4]);
  await group.close();
});
