import { expect, it } from 'vitest';
import { fakeClock } from '../../core/testing/fake-clock.ts';
import { Deadlines } from './deadlines.ts';

function deadlines(everyMs: number, firstAt: number) {
  const clock = fakeClock();
  const due: number[] = [];
  const running = new Deadlines({
    ...{ everyMs, firstAt, clock },
    due: (next) => {
      due.push(clock.monotonic());
      expect(next).toBeGreaterThan(clock.monotonic() - everyMs);
    },
    missed: () => undefined,
  });
  return { clock, due, running };
}

it('come at their phase and every period after it', () => {
  const { clock, due } = deadlines(100, 30);
  clock.advance(350);
  expect(due).toEqual([30, 130, 230, 330]);
});

it('stay where they are when one comes late, and those that passed meanwhile are counted, not made up for', () => {
  let now = 0;
  let fire = (): void => undefined;
  const due: number[] = [];
  let missed = 0;
  new Deadlines({
    ...{ everyMs: 100, firstAt: 0, due: () => due.push(now) },
    clock: {
      now: () => now,
      monotonic: () => now,
      timer: (_, then) => {
        fire = then;
        return () => undefined;
      },
    },
    missed: (count) => {
      missed += count;
    },
  });
  // The process stood still in between; the last one comes a little early, as timers do.
  for (const at of [0, 103, 457, 499.6]) {
    now = at;
    fire();
  }
  expect(due).toEqual([0, 103, 457, 499.6]);
  expect(missed).toBe(2);
  now = 600;
  fire();
  expect(missed).toBe(2);
});

it('end', () => {
  const { clock, due, running } = deadlines(100, 0);
  clock.advance(150);
  running.stop();
  clock.advance(1_000);
  expect(due).toEqual([0, 100]);
  expect(clock.pending).toBe(0);
});
