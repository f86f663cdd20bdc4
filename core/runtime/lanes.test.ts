import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Laned, Lanes } from './lanes.ts';

interface Item extends Laned {
  readonly n: number;
}

const item = (n: number, ...laneKeys: string[]): Item => ({ n, laneKeys, lanesAhead: 0 });

describe('lanes', () => {
  test('an item with two keys waits for both and holds both', () => {
    const lanes = new Lanes<Item>();
    const freed: number[] = [];
    const free = (next: Item) => void freed.push(next.n);
    const [a, b, both, afterA, afterB] = [item(1, 'a'), item(2, 'b'), item(3, 'a', 'b'), item(4, 'a'), item(5, 'b')];
    expect([a, b, both, afterA, afterB].map((each) => lanes.enter(each))).toEqual([true, true, false, false, false]);
    lanes.leave(a, free);
    expect(freed).toEqual([]);
    lanes.leave(b, free);
    expect(freed).toEqual([3]);
    lanes.leave(both, free);
    expect(freed).toEqual([3, 4, 5]);
    lanes.leave(afterA, free);
    lanes.leave(afterB, free);
    expect(lanes.empty).toBe(true);
  });

  test('an item that leaves while it waits frees nobody early and blocks nobody', () => {
    const lanes = new Lanes<Item>();
    const freed: number[] = [];
    const free = (next: Item) => void freed.push(next.n);
    const [first, second, third] = [item(1, 'k'), item(2, 'k'), item(3, 'k')];
    for (const each of [first, second, third]) lanes.enter(each);
    lanes.leave(second, free);
    expect(freed).toEqual([]);
    lanes.leave(first, free);
    expect(freed).toEqual([3]);
  });

  test('whatever the keys and the order of leaving, items that share a key run one at a time in entering order', () => {
    const keys = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(fc.array(keys, { maxLength: 30 }), fc.infiniteStream(fc.nat()), (all, picks) => {
        const lanes = new Lanes<Item>();
        const running: Item[] = [];
        const ran: Item[] = [];
        const begin = (each: Item) => {
          for (const other of running) expect(other.laneKeys.some((key) => each.laneKeys.includes(key))).toBe(false);
          running.push(each);
          ran.push(each);
        };
        all.forEach((laneKeys, n) => {
          const each = item(n, ...laneKeys);
          if (lanes.enter(each)) begin(each);
        });
        while (running.length > 0) {
          const [done] = running.splice((picks.next().value ?? 0) % running.length, 1);
          lanes.leave(done!, begin);
        }
        expect(ran.length).toBe(all.length);
        expect(lanes.empty).toBe(true);
        for (const key of ['a', 'b', 'c', 'd']) {
          const order = ran.filter((each) => each.laneKeys.includes(key)).map((each) => each.n);
          expect(order).toEqual([...order].sort((x, y) => x - y));
        }
      }),
    );
  });
});
