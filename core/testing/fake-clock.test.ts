import { describe, expect, it } from 'vitest';
import { fakeClock } from './fake-clock.ts';

describe('the fake clock', () => {
  it('calls timers in order of time, those set on the way included, and not the cancelled ones', () => {
    const clock = fakeClock(1000);
    const calls: (readonly [string, number])[] = [];
    const note = (name: string) => () => void calls.push([name, clock.now()]);
    clock.timer(30, note('late'));
    clock.timer(10, () => {
      note('early')();
      clock.timer(5, note('nested'));
    });
    clock.timer(20, note('cancelled'))();
    clock.advance(29);
    expect(calls).toEqual([
      ['early', 1010],
      ['nested', 1015],
    ]);
    expect([clock.now(), clock.monotonic(), clock.pending]).toEqual([1029, 29, 1]);
    clock.advance(1);
    expect(calls.at(-1)).toEqual(['late', 1030]);
  });

  it('lets code that sets its next timer after an await keep pace', async () => {
    const clock = fakeClock();
    let ticks = 0;
    const ticking = (async () => {
      for (; ticks < 5; ticks++) await new Promise<void>((resolve) => clock.timer(10, resolve));
    })();
    await clock.advanceAsync(50);
    expect(ticks).toBe(5);
    await ticking;
  });
});
