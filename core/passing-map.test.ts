import fc from 'fast-check';
import { expect, it } from 'vitest';
import { PassingMap } from './passing-map.ts';

it('holds what a Map would hold, in the same order', () => {
  const key = fc.integer({ min: 0, max: 400 });
  const step = fc.oneof(
    fc.record({ set: key, value: fc.integer() }),
    fc.record({ delete: key }),
    fc.record({ fill: fc.integer({ min: 1, max: 300 }) }),
    fc.record({ drain: fc.integer({ min: 1, max: 300 }) }),
    fc.constant('clear' as const),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const map = new PassingMap<number, number>();
      const model = new Map<number, number>();
      let next = 1_000;
      for (const each of steps) {
        if (each === 'clear') {
          map.clear();
          model.clear();
        } else if ('set' in each) {
          map.set(each.set, each.value);
          model.set(each.set, each.value);
        } else if ('delete' in each) expect(map.delete(each.delete)).toBe(model.delete(each.delete));
        else if ('fill' in each)
          for (let n = 0; n < each.fill; n++, next++) {
            map.set(next, n);
            model.set(next, n);
          }
        else
          for (const first of [...model.keys()].slice(0, each.drain)) {
            expect(map.get(first)).toBe(model.get(first));
            expect(map.has(first)).toBe(true);
            expect(map.delete(first)).toBe(model.delete(first));
            expect(map.has(first)).toBe(false);
          }
        expect(map.size).toBe(model.size);
      }
      expect([...map.keys()]).toEqual([...model.keys()]);
      expect([...map.values()]).toEqual([...model.values()]);
    }),
  );
});
