import fc from 'fast-check';
import { expect, test } from 'vitest';
import { partitionOf } from './partition.ts';

test('a key keeps its partition from release to release', () => {
  const keys = ['', '0', 'MRN-100234^HOSP', 'monitor-7', 'Zoë'];
  expect(keys.map((key) => partitionOf(key, 16))).toMatchInlineSnapshot(`
    [
      11,
      1,
      5,
      7,
      2,
    ]
  `);
});

test('every key has a partition of the topic', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 1000 }), (key, partitions) => {
      const partition = partitionOf(key, partitions);
      return Number.isInteger(partition) && partition >= 0 && partition < partitions;
    }),
  );
});

test('consecutive numbers spread evenly', () => {
  const counts = new Array<number>(8).fill(0);
  for (let mrn = 0; mrn < 8000; mrn++) counts[partitionOf(String(mrn), 8)]!++;
  expect(Math.min(...counts)).toBeGreaterThan(800);
  expect(Math.max(...counts)).toBeLessThan(1200);
});
