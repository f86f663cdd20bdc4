import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fakeClock } from '../../testing/fake-clock.ts';
import { TokenBucket } from './token-bucket.ts';

it('never grants more than the burst and what the time brings, and no less to whoever keeps asking', () => {
  const moves = fc.array(fc.tuple(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 1, max: 30 })), { minLength: 1 });
  fc.assert(
    fc.property(fc.constantFrom(0.5, 3, 10, 333), fc.integer({ min: 1, max: 20 }), moves, (perSecond, burst, asks) => {
      const clock = fakeClock();
      const bucket = new TokenBucket(clock);
      let granted = 0;
      for (const [waitMs, wanted] of asks) {
        clock.advance(waitMs);
        granted += bucket.take({ perSecond, burst }, wanted).count;
        expect(granted).toBeLessThanOrEqual(burst + (clock.monotonic() * perSecond) / 1000 + 0.01);
      }
      const from = granted;
      const at = clock.monotonic();
      for (let turn = 0; turn < 20; turn++) {
        const { count, waitMs } = bucket.take({ perSecond, burst }, 1);
        granted += count;
        if (count === 0) clock.advance(waitMs);
      }
      expect(granted - from).toBeGreaterThanOrEqual(9);
      expect(clock.monotonic() - at).toBeLessThanOrEqual((1 + 1000 / perSecond) * 20);
    }),
  );
});

it('says when there is more: the next one is granted then, and not before', () => {
  const clock = fakeClock();
  const bucket = new TokenBucket(clock);
  const rate = { perSecond: 4, burst: 2 };
  expect(bucket.take(rate, 5)).toEqual({ count: 2, waitMs: 250 });
  clock.advance(249);
  expect(bucket.take(rate, 1)).toEqual({ count: 0, waitMs: 1 });
  clock.advance(1);
  expect(bucket.take(rate, 1)).toEqual({ count: 1, waitMs: 0 });
});
