import fc from 'fast-check';
import { expect, it } from 'vitest';
import { partitionOfKey } from './partitioner.ts';

/** From `UtilsTest.testMurmur2` of Apache Kafka: the hash of a key, before it is made positive. */
const known: readonly (readonly [string, number])[] = [
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
];

it.for(known)('puts %s where the Java client does', ([key, hash]) => {
  for (const partitions of [1, 2, 7, 8, 12, 1000])
    expect(partitionOfKey(Buffer.from(key), partitions)).toBe((hash & 0x7fffffff) % partitions);
});

it('has a partition of the topic for every key', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), fc.integer({ min: 1, max: 1000 }), (key, partitions) => {
      const partition = partitionOfKey(key, partitions);
      return Number.isInteger(partition) && partition >= 0 && partition < partitions;
    }),
  );
});
