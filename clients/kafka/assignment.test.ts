import { expect, it } from 'vitest';
import { assignPartitions } from './assignment.ts';

const topic = (partitionsCount: number) => ({ id: '', partitions: [], partitionsCount, lastUpdate: 0 });
const cluster = (topics: Readonly<Record<string, number>>) => ({
  topics: new Map(Object.entries(topics).map(([name, count]) => [name, topic(count)] as const)),
});

function dealt(members: Readonly<Record<string, readonly string[]>>, topics: Readonly<Record<string, number>>) {
  const all = new Map<string, { topics: string[] }>();
  for (const [id, read] of Object.entries(members)) all.set(id, { topics: [...read] });
  return Object.fromEntries(
    assignPartitions(all, cluster(topics)).map(({ memberId, assignments }) => [
      memberId,
      Object.fromEntries([...assignments].map(([name, { partitions }]) => [name, partitions])),
    ]),
  );
}

it('gives every partition to one member, in equal shares', () => {
  expect(dealt({ b: ['t'], a: ['t'] }, { t: 5 })).toEqual({ a: { t: [0, 2, 4] }, b: { t: [1, 3] } });
});

it('gives a member only topics that it reads', () => {
  expect(dealt({ a: ['t', 'u'], b: ['u'] }, { t: 2, u: 2 })).toEqual({ a: { t: [0, 1], u: [0] }, b: { u: [1] } });
});

it('spreads many topics of one partition over the members', () => {
  const shares = Object.values(dealt({ a: ['t', 'u', 'v', 'w'], b: ['t', 'u', 'v', 'w'] }, { t: 1, u: 1, v: 1, w: 1 }));
  expect(shares.map((share) => Object.keys(share).length)).toEqual([2, 2]);
});
